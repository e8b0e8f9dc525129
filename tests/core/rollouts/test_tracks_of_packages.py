"""The members of a package in tracks side by side: in each track they go from wave to wave together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgportal.core.grids.group import parse_group
from sgportal.core.rollouts import verbs
from sgportal.core.text import Invalid

from .package import Package
from .test_any_sequence_of_tracks import WAVES

NORTH = {"name": "north", "units": ["a", "b"], "waves": [{"name": "canary", "units": ["a"], "approval": True}]}
SOUTH = {"name": "south", "units": ["c", "d"], "waves": [{"name": "canary", "units": ["c"]}]}
TRACKS = {"tracks": [NORTH, SOUTH], "maxUnavailable": 2, "progressDeadlineSeconds": 50}
ON_DB = {"web": "db"}
STOPPED = {"Halted", "RolledBack", "Aborted", "Paused"}


def a_package(order=None, **rollout):
    return Package({**TRACKS, **rollout}, {"db": "abcde", "web": "abcde"}, order)


@pytest.mark.parametrize("order", [None, ON_DB])
def test_a_track_goes_on_while_another_waits_and_the_rest_comes_last_in_every_member(order):
    package = a_package(order)
    package.step(40)
    assert (package.runs("db"), package.runs("web")) == ("acd", "acd")
    assert package.at("north") == dict.fromkeys(("db", "web"), (0, "AwaitingApproval"))
    assert package.at("rest") == dict.fromkeys(("db", "web"), (0, "AwaitingTracks"))
    package.ask("approve", ["north"])
    package.step(40)
    assert package.phases() == {"db": "Complete", "web": "Complete"}
    assert (package.runs("db"), package.runs("web")) == ("abcde", "abcde")
    assert package.most <= 2


def test_nobody_begins_a_wave_of_a_track_before_all_members_are_done_with_the_one_before():
    package = a_package(tracks=[{**NORTH, "waves": [{"units": ["a"]}]}, SOUTH])
    package.parts["web"].since["a"] = package.parts["db"].since["a"] = 0.0
    package.parts["web"].bad.add(package.parts["web"].revision)
    package.step(3)
    assert package.at("north")["db"] == (0, "AwaitingMembers")
    assert "b" not in package.runs("db")


def test_the_rest_of_no_member_goes_on_while_a_track_of_another_is_under_way():
    package = Package({**TRACKS, "maxUnavailable": 1}, {"db": "abcdefg", "web": "abcdefg"})
    for _ in range(100):
        package.step()
        package.ask("approve")
        if package.at("rest")["db"][1] == "RollingOut" and package.parts["db"].state.at("given"):
            break
    assert package.at("rest")["db"] == (0, "RollingOut")
    package.edit("web")
    had = package.runs("db")
    package.step(30)
    assert package.at("north")["web"] == (0, "AwaitingApproval")
    assert set(package.runs("db")) - set(had) <= {"e"}  # that was under way
    package.ask("approve")
    package.step(60)
    assert package.phases() == {"db": "Complete", "web": "Complete"}


def test_a_track_whose_units_are_all_out_of_reach_holds_up_no_member():
    package = a_package()
    package.offline = {"a", "b"}
    package.step(60)
    package.ask("approve")
    package.step(60)
    assert package.phases() == {"db": "Complete", "web": "Complete"}
    package.offline = set()
    package.step(20)
    assert (package.runs("db"), package.runs("web")) == ("abcde", "abcde")


def test_what_fails_in_one_track_of_one_member_stops_all_tracks_of_all():
    package = a_package(
        tracks=[{**NORTH, "waves": [{"units": ["a"]}]}, {**SOUTH, "waves": [{"units": ["c"], "soakSeconds": 600}]}]
    )
    package.edit("web", bad=True)
    package.step(200)
    assert package.phases()["web"] == "Halted"
    assert {"b", "d", "e"}.isdisjoint(package.runs("db") + package.runs("web"))
    assert {package.at(track)["db"][0] for track in ("north", "south")} == {0}


def test_what_fails_in_one_track_takes_all_tracks_of_all_members_back():
    package = a_package(onFailure="rollBack")
    package.step(4)
    package.edit("web", bad=True)
    package.step(60)
    assert package.phases() == {"db": "RolledBack", "web": "RolledBack"}
    assert (package.runs("db"), package.runs("web")) == ("", "")


def test_one_bound_of_what_is_in_change_holds_for_all_tracks_of_all_members():
    tracks = [{"name": each, "units": [each]} for each in "abcd"]
    package = a_package(tracks=tracks, maxUnavailable=2)
    package.step(1)
    given = {unit for part in package.parts.values() for unit in part.state.at("given")}
    assert len(given) == 2
    package.step(60)
    assert package.most == 2
    assert package.phases() == {"db": "Complete", "web": "Complete"}


@pytest.mark.parametrize(
    ("track", "is_fine"),
    [
        ({"unitSelector": {"matchLabels": {"region": "north"}}, "waves": [{"count": 1}]}, True),
        ({"waves": [{"units": ["a"]}, {"unitSelector": {"matchLabels": {"tier": "test"}}}]}, True),
        ({"waves": [{"units": ["a"]}, {"percent": 10}]}, False),
        ({"waves": [{"count": 3}]}, False),
    ],
)
def test_the_members_agree_in_which_track_a_unit_is(track, is_fine):
    spec = {"gridUniqKey": "zone", "grids": [], "rollout": {"tracks": [SOUTH, {"name": "north", **track}]}}
    manifest = {"apiVersion": "sgportal.superedge.io/v1", "kind": "ServiceGroup", "spec": spec}
    manifest["metadata"] = {"name": "shop"}
    if is_fine:
        parse_group(manifest)
        return
    with pytest.raises(Invalid) as refused:
        parse_group(manifest)
    assert [each.pointer for each in refused.value.problems] == ["/spec/rollout/tracks/1"]


NAMES = "abcdef"
UNITS = st.sets(st.sampled_from(NAMES), min_size=1).map(lambda found: "".join(sorted(found)))
SOME_TRACKS = st.lists(
    st.builds(lambda units, waves: {"units": list(units), "waves": waves}, UNITS, WAVES), min_size=0, max_size=3
).map(lambda found: [{"name": f"t{number}", **each} for number, each in enumerate(found)])
ROLLOUTS = st.fixed_dictionaries(
    {
        "tracks": SOME_TRACKS,
        "maxUnavailable": st.one_of(st.integers(1, 4), st.just("50%")),
        "maxFailures": st.integers(0, 2),
        "onFailure": st.sampled_from(["halt", "rollBack"]),
        "progressDeadlineSeconds": st.just(50),
    }
)
MEMBER = st.sampled_from(["db", "web", "api"])
TRACK = st.sampled_from(["t0", "t1", "t2", "rest"])
HAPPENINGS = st.one_of(
    st.tuples(st.just("edit"), MEMBER, st.booleans()),
    st.tuples(st.just("ask"), st.sampled_from(verbs.VERBS)),
    st.tuples(st.just("ask"), st.sampled_from(sorted(verbs.OF_TRACKS)), TRACK.map(lambda name: [name])),
    st.tuples(st.just("respecify"), SOME_TRACKS),
    st.tuples(st.just("offline"), st.sampled_from(NAMES)),
    st.tuples(st.just("back"), st.sampled_from(NAMES)),
    st.tuples(st.just("gone"), MEMBER),
    st.tuples(st.just("step"), st.integers(1, 20)),
    st.tuples(st.just("killed"), MEMBER),
)


def happen(package, what, *args):
    if what == "respecify":
        package.respecify({**package.rollout, "tracks": args[0]})
    elif what == "offline":
        package.offline.add(args[0])
    elif what == "back":
        package.offline.discard(args[0])
    elif what == "killed":
        package.step(killed=args[0])
    elif what == "gone":
        if len(package.parts) > 1:
            package.parts.pop(args[0], None)
    elif what == "edit":
        if args[0] in package.parts:
            package.edit(*args)
    else:
        getattr(package, what)(*args)


@settings(max_examples=60, deadline=None)
@given(ROLLOUTS, st.tuples(UNITS, UNITS, UNITS), st.booleans(), st.lists(HAPPENINGS, max_size=20))
def test_once_it_is_quiet_no_member_waits_for_another_for_ever(rollout, units, ordered, happenings):
    members = dict(zip(("db", "web", "api"), units, strict=True))
    package = Package(rollout, members, {"web": "db", "api": "web"} if ordered else None)
    for each in happenings:
        happen(package, *each)
    package.offline.clear()
    quiet(package)
    phases = set(package.phases().values())
    assert phases <= {"Complete"} or phases & STOPPED, package.phases()
    for name, part in package.parts.items():
        for unit, has in part.has.items():
            member = part.state.members[unit]
            assert has == member.assigned or package.waits(name, unit), (name, unit, member)
            left_out = member.turn == "skipped" or (member.turn == "deferred" and package.waits(name, unit))
            assert part.state.phase != "Complete" or left_out or has == part.revision, (name, unit, member)
    what = {each[0] for each in happenings}
    if "ask" not in what and not any(each[0] == "edit" and each[2] for each in happenings):
        assert phases == {"Complete"}, package.phases()
    if what.isdisjoint(("ask", "offline", "back", "gone")):
        assert package.most <= package.strategy.at_once(len(set().union(*members.values())))


def quiet(package):
    """Nothing happens any more, and what waits for approval has it."""
    still, before = 0, None
    for _ in range(300):
        package.step()
        package.ask("approve")
        now = [(part.state.phase, part.state.tracks, part.state.turns()) for part in package.parts.values()]
        still, before = (still + 1 if now == before else 0), now
        if still > 12:  # longer than a wave is watched
            return

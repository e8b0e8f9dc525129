"""Tracks side by side: each a list of waves that goes on by itself."""

from dataclasses import replace

import pytest

from sgportal.core.rollouts import verbs
from sgportal.core.rollouts.division import divided
from sgportal.core.rollouts.engine import advance, next_look
from sgportal.core.rollouts.progress import of_waves, sentence_of
from sgportal.core.rollouts.state import Member
from sgportal.core.rollouts.strategy import strategy_of
from sgportal.core.rollouts.succession import redivided
from sgportal.core.rollouts.tracks import due_gates
from sgportal.core.rollouts.words import asked_for
from sgportal.core.units import NodeView, Unit

from .fleet import NEW, OLD, Fleet

NORTH = {"name": "north", "waves": [{"name": "canary", "units": ["n1"]}, {"units": ["n2", "n3"]}]}
SOUTH = {"name": "south", "waves": [{"name": "canary", "units": ["s1"]}, {"units": ["s2", "s3"]}]}
NAMES = ["n1", "n2", "n3", "s1", "s2", "s3"]


def fleet_of(*tracks, names=NAMES, **fields):
    how = {key: fields.pop(key) for key in ("broken", "offline", "windows", "takes") if key in fields}
    return Fleet({"tracks": list(tracks), "maxUnavailable": 2, "progressDeadlineSeconds": 60, **fields}, names, **how)


def waiting_for_approval(track):
    return {**track, "waves": [{**track["waves"][0], "approval": True}, *track["waves"][1:]]}


def at(fleet):
    return {each.name: (each.wave, each.reason) for each in fleet.state.tracks}


def do(fleet, verb, *tracks, units=()):
    fleet.state = verbs.done(verb, fleet.read, fleet.state, fleet.now, units, tracks)


def test_tracks_go_on_beside_one_another_and_the_rest_comes_last():
    fleet = fleet_of(NORTH, SOUTH, names=[*NAMES, "other"])
    fleet.run()
    order = [name for name, _ in fleet.log]
    assert sorted(order[:2]) == ["n1", "s1"]
    assert order[-1] == "other"
    assert fleet.most == 2
    assert len(order) == len(set(order)) == 7


def test_the_first_track_that_takes_a_unit_has_it():
    both = {"name": "both", "waves": [{"units": ["n1", "s1"]}]}
    waves = divided(strategy_of({"tracks": [both, NORTH]}), {name: Unit(name, ()) for name in NAMES}, seed=1)
    assert [waves[name] for name in NAMES] == [0, 2, 2, 0, 3, 3]


def test_a_track_with_a_selector_is_of_its_units_and_shares_are_of_these():
    units = {
        f"{zone}{number}": Unit(f"{zone}{number}", (NodeView(f"{zone}{number}", {"zone": zone}),))
        for zone in "ns"
        for number in range(10)
    }
    north = {"name": "north", "unitSelector": {"matchLabels": {"zone": "n"}}, "waves": [{"percent": 20}]}
    found = divided(strategy_of({"tracks": [north]}), units, seed=1)
    assert [sum(wave == number for wave in found.values()) for number in range(3)] == [2, 8, 10]
    assert all(name.startswith("n") == (wave < 2) for name, wave in found.items())


@pytest.mark.parametrize("first", [NORTH, SOUTH])
def test_what_one_track_waits_for_does_not_hold_up_another(first):
    other = SOUTH if first is NORTH else NORTH
    fleet = fleet_of(waiting_for_approval(first), other)
    for _ in range(20):
        fleet.step()
    assert at(fleet) == {first["name"]: (0, "AwaitingApproval"), other["name"]: (2, ""), "rest": (0, "AwaitingTracks")}
    assert (fleet.state.phase, fleet.state.reason) == ("Progressing", "AwaitingApproval")
    assert f"{first['name']}/canary" in str(sentence_of(fleet.read, fleet.state))
    do(fleet, "approve", first["name"])
    fleet.run()
    assert set(fleet.has.values()) == {NEW}


def test_each_track_is_watched_for_its_own_time():
    watched = {**NORTH, "waves": [{**NORTH["waves"][0], "soakSeconds": 300}, NORTH["waves"][1]]}
    fleet = fleet_of(watched, SOUTH)
    while at(fleet).get("north") != (0, "Soaking"):
        fleet.step()
    ready_at = next(each.ready_at for each in fleet.state.tracks if each.name == "north")
    assert next_look(fleet.read, fleet.state, fleet.seen(), fleet.now) <= ready_at + 300 - fleet.now
    while at(fleet)["south"] != (2, ""):
        assert fleet.step().phase == "Progressing"
    assert at(fleet)["north"] == (0, "Soaking")
    assert fleet.now < ready_at + 300
    fleet.run()


def test_a_unit_out_of_reach_holds_up_neither_its_own_track_nor_another():
    fleet = fleet_of(NORTH, SOUTH, offline={"n1"})
    fleet.run()
    assert fleet.turns()["n1"] == "deferred"
    assert {name for name, revision in fleet.has.items() if revision == NEW} == set(NAMES) - {"n1"}
    fleet.offline.clear()
    for _ in range(4):
        fleet.step()
    assert fleet.has["n1"] == NEW


def test_a_track_that_was_at_its_end_takes_a_unit_that_comes_back():
    fleet = fleet_of(waiting_for_approval(NORTH), SOUTH, offline={"s2"})
    while at(fleet).get("south") != (2, ""):
        fleet.step()
    fleet.offline.clear()
    for _ in range(5):
        fleet.step()
    assert (fleet.has["s2"], at(fleet)["south"]) == (NEW, (2, ""))
    assert fleet.state.phase == "Progressing"


def test_failures_count_over_all_tracks_and_halt_all():
    fleet = fleet_of(NORTH, SOUTH, broken={"n1", "s1"}, maxFailures=1)
    assert fleet.run("Halted").reason == "TooManyFailures"
    assert sorted(fleet.state.at("failed")) == ["n1", "s1"]
    given = len(fleet.log)
    for _ in range(10):
        fleet.step()
    assert len(fleet.log) == given == 2


def test_one_failure_takes_the_units_of_every_track_back():
    fleet = fleet_of(NORTH, SOUTH, broken={"n1"}, onFailure="rollBack")
    fleet.run("RolledBack")
    assert set(fleet.has.values()) == {OLD}
    assert ("s1", NEW) in fleet.log


def test_a_check_that_does_not_pass_halts_all():
    gates = [{"url": "http://shop/"}]
    fleet = fleet_of(NORTH, SOUTH, gates=gates)
    while "CheckingGates" not in str(at(fleet)):
        fleet.step()
    for _ in range(20):
        fleet.step(passed=False)
    assert (fleet.state.phase, fleet.state.reason) == ("Halted", "GateFailed")
    assert {name for name, _ in fleet.log} == {"n1", "s1"}


@pytest.mark.parametrize("most", [1, 2, 3, "50%"])
def test_what_may_be_in_change_is_shared_fairly(most):
    names = [f"{zone}{number}" for zone in "ns" for number in range(6)]
    tracks = [{"name": zone, "waves": [{"units": [name for name in names if name[0] == zone]}]} for zone in "ns"]
    fleet = fleet_of(*tracks, names=names, maxUnavailable=most)
    fleet.run()
    assert fleet.most == fleet.read.at_once(12)
    for count in range(1, 13):
        zones = [name[0] for name, _ in fleet.log[:count]]
        assert abs(zones.count("n") - zones.count("s")) <= fleet.read.at_once(12)


def test_a_track_alone_has_all_the_room_that_others_do_not_use():
    names = [*NAMES, "n4", "n5"]
    wide = {"name": "north", "waves": [{"units": ["n1", "n2", "n3", "n4", "n5"]}]}
    fleet = fleet_of(wide, waiting_for_approval(SOUTH), names=names, maxUnavailable=4)
    fleet.step()
    assert sorted(fleet.state.at("given")) == ["n1", "n2", "n3", "s1"]


def test_a_track_is_paused_by_itself_and_resumed():
    fleet = fleet_of(NORTH, SOUTH)
    fleet.state = advance(fleet.read, fleet.state, fleet.seen(), fleet.now)
    do(fleet, "pause", "north")
    for _ in range(20):
        fleet.step()
    assert {name for name, _ in fleet.log} == {"n1", "s1", "s2", "s3"}
    assert fleet.state.phase == "Paused"  # nothing else can go on
    do(fleet, "resume", "north")
    fleet.run()
    do_all = fleet_of(NORTH, SOUTH)
    do(do_all, "pause")
    assert do_all.state.phase == "Paused"
    do(do_all, "resume", "south")
    for _ in range(20):
        do_all.step()
    assert {name for name, _ in do_all.log} == {"s1", "s2", "s3"}
    do(do_all, "resume")
    do_all.run()


def test_a_verb_without_a_track_is_for_all_that_it_makes_sense_for():
    fleet = fleet_of(waiting_for_approval(NORTH), waiting_for_approval(SOUTH))
    with pytest.raises(verbs.NotNow):
        do(fleet, "approve")
    for _ in range(5):
        fleet.step()
    do(fleet, "approve", "south")
    with pytest.raises(verbs.NotNow):
        do(fleet, "approve", "south")
    fleet.step()
    assert at(fleet)["north"] == (0, "AwaitingApproval")
    do(fleet, "approve")
    fleet.run()


def test_the_present_wave_of_one_track_is_skipped():
    fleet = fleet_of(NORTH, SOUTH, broken={"n1"})
    fleet.step()
    do(fleet, "skip", "north")
    assert (fleet.turns()["n1"], fleet.turns()["s1"]) == ("skipped", "given")
    fleet.run()
    with pytest.raises(verbs.NotNow):
        do(fleet, "skip", "north")


def test_it_begins_anew_with_all_tracks():
    fleet = fleet_of(NORTH, SOUTH, broken={"n1"})
    fleet.run("Halted")
    fleet.broken.clear()
    do(fleet, "start")
    assert {each.wave for each in fleet.state.tracks} == {0}
    fleet.run()
    assert set(fleet.has.values()) == {NEW}


def test_a_track_that_is_added_or_removed_under_way_leaves_the_others_where_they_are():
    fleet = fleet_of(waiting_for_approval(NORTH), SOUTH)
    while at(fleet).get("south") != (1, "RollingOut"):
        fleet.step()
    east = {"name": "east", "waves": [{"units": ["n3"]}]}
    fleet.read = strategy_of({**fleet.strategy, "tracks": [east, *fleet.strategy["tracks"]]})
    waves = divided(fleet.read, {name: Unit(name, ()) for name in NAMES}, seed=7)
    fleet.state = redivided(fleet.read, fleet.state, waves)
    assert {name: wave for name, (wave, _) in at(fleet).items()} == {"east": 0, "north": 0, "south": 1, "rest": 0}
    while at(fleet)["south"] != (2, ""):
        fleet.step()
    assert (fleet.has["n3"], fleet.has["n2"]) == (NEW, OLD)
    fleet.read = strategy_of({"maxUnavailable": 6})
    fleet.state = redivided(fleet.read, fleet.state, dict.fromkeys(NAMES, 0))
    fleet.run()
    assert set(fleet.has.values()) == {NEW}
    assert len(fleet.log) == 6


@pytest.mark.parametrize(
    ("text", "units", "tracks", "unknown"),
    [
        ("approve", [], [], []),
        ("approve north", [], ["north"], []),
        ("approve north 2", [], ["north"], []),
        ("approve nroth", [], [], ["nroth"]),
        ("pause n1", [], [], ["n1"]),
        ("skip n1", ["n1"], [], []),
        ("skip south", [], ["south"], []),
    ],
)
def test_the_words_behind_a_verb_name_tracks(text, units, tracks, unknown):
    fleet = fleet_of(NORTH, SOUTH)
    found = asked_for(text.split(), fleet.read, fleet.state)
    assert (found.units, found.tracks, found.unknown) == (units, tracks, unknown)


@pytest.mark.parametrize(
    ("text", "units", "unknown"),
    [
        ("skip n1", ["n1"], []),
        ("skip nn1", [], ["nn1"]),
        ("skip n1 nn1", ["n1"], ["nn1"]),
        ("skip", [], []),
        ("skip 2", [], []),
        ("skip rest", [], []),
        ("approve whatever", [], []),
    ],
)
def test_a_slip_in_the_name_of_a_unit_does_not_skip_the_wave_of_all(text, units, unknown):
    fleet = fleet_of(NORTH, SOUTH)
    found = asked_for(text.split(), strategy_of({}), fleet.state)
    assert (found.units, found.tracks, found.unknown) == (units, [], unknown)


def test_every_wave_of_every_track_is_told():
    fleet = fleet_of(NORTH, SOUTH)
    assert [fleet.read.title(number) for number in range(len(fleet.read.waves))] == [
        "north/canary",
        "north/2",
        "south/canary",
        "south/2",
        "rest",
    ]
    assert [each.total for each in of_waves(fleet.read, fleet.state)] == [1, 2, 1, 2, 0]
    joined = replace(fleet.state, members={**fleet.state.members, "x": Member(4, OLD, OLD)})
    assert of_waves(fleet.read, joined)[4].total == 1


def test_a_track_has_windows_and_checks_of_its_own():
    night = [{"from": "22:00", "to": "04:00"}]
    own = {**NORTH, "windows": [], "gates": [{"name": "own", "url": "http://north/"}]}
    fleet = fleet_of(own, SOUTH, windows={"s1": 3600.0}, gates=[{"name": "all", "url": "http://all/"}])
    read = strategy_of({**fleet.strategy, "windows": night})
    north, south, rest = (read.of(track) for track in read.tracks)
    assert (north.windows, len(south.windows), len(rest.windows)) == ((), 1, 1)
    assert [each.gates[0].name for each in (north, south, rest)] == ["own", "all", "all"]
    fleet.windows.clear()
    while not due_gates(fleet.read, fleet.state):
        fleet.step()
    assert {gates[0].name for gates in due_gates(fleet.read, fleet.state)} == {"own", "all"}
    for _ in range(3):
        fleet.step(passed={north.gates: True, south.gates: False})
    assert {name: wave for name, (wave, _) in at(fleet).items()} == {"north": 2, "south": 0, "rest": 0}
    assert at(fleet)["south"] == (0, "CheckingGates")


def test_a_window_of_one_track_does_not_hold_up_another():
    fleet = fleet_of(NORTH, SOUTH, windows=dict.fromkeys(("n1", "n2", "n3"), 3600.0))
    for _ in range(10):
        fleet.step()
    assert at(fleet) == {"north": (0, "OutsideWindow"), "south": (2, ""), "rest": (0, "AwaitingTracks")}


def test_a_track_without_units_does_not_stay_paused_when_those_that_have_some_are_resumed_one_by_one():
    fleet = fleet_of(NORTH, SOUTH)
    fleet.step()
    do(fleet, "pause")
    do(fleet, "resume", "north")
    do(fleet, "resume", "south")
    for _ in range(40):
        fleet.step()
    assert fleet.state.phase == "Complete"


def test_the_rest_stays_paused_where_it_has_units():
    fleet = fleet_of(NORTH, SOUTH, names=[*NAMES, "other"])
    fleet.step()
    do(fleet, "pause")
    do(fleet, "resume", "north")
    do(fleet, "resume", "south")
    for _ in range(40):
        fleet.step()
    assert (fleet.state.phase, fleet.state.members["other"].turn) == ("Paused", "waiting")
    do(fleet, "resume", "rest")
    fleet.run()
    assert fleet.state.phase == "Complete"

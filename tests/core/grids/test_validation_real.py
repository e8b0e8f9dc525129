"""The validation against a real API server: what it refuses to merge we refuse, what it takes we take."""

import copy
import urllib.error

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.generate_fields import collect
from sgportal.core.grids.grid import parse
from sgportal.core.grids.kinds import KINDS
from sgportal.core.kubernetes_fields import FIELDS, LIST_KEYS
from sgportal.core.plans.desired import without_nulls
from sgportal.core.text import Invalid

from ..builders import a_manifest, a_service, a_template
from .test_doubles import CASES

pytestmark = pytest.mark.kubernetes


@pytest.fixture(scope="module")
def asked(control_plane):
    """What the API server says to server-side apply of a grid's child: its message, "" where it takes it."""

    def ask(manifest, name="asked-a", template=None):  # a name that no other test leaves an object of
        kind = KINDS[manifest["kind"]]
        body = {"apiVersion": kind.child_api, "kind": kind.child_kind, "metadata": {"name": name}}
        body["spec"] = without_nulls(template or manifest["spec"]["template"])
        group = "/api/v1" if kind.child_api == "v1" else f"/apis/{kind.child_api}"
        path = f"{group}/namespaces/default/{kind.child_plural}/{name}?fieldManager=x&dryRun=All&fieldValidation=Strict"
        try:
            control_plane.open("PATCH", path, body, content="application/apply-patch+yaml").close()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        return ""

    return ask


def ours(manifest, units=()):
    try:
        parse(manifest, units)
    except Invalid as invalid:
        return str(invalid)
    return ""


def test_the_table_is_the_api_server_s_own(control_plane):
    assert collect(lambda path: control_plane.request("GET", path)) == (FIELDS, LIST_KEYS)


@pytest.mark.parametrize(("manifest", "pointer", "_"), CASES, ids=[f"{n}{c[1]}" for n, c in enumerate(CASES)])
def test_it_refuses_the_doubles_that_we_refuse(asked, manifest, pointer, _):
    pool = manifest["spec"].get("templatePool") or {}
    assert "duplicate entries for key" in asked(manifest, template=next(iter(pool.values()), None)), pointer


def lists(**keys):
    """Lists of up to three entries whose keys are drawn from a few values, so that doubles are frequent."""
    return st.lists(st.fixed_dictionaries(keys), max_size=3)


PORTS = st.fixed_dictionaries(
    {"containerPort": st.integers(1, 3)}, optional={"protocol": st.sampled_from([None, "TCP", "UDP"])}
)
CONTAINER = st.fixed_dictionaries(
    {
        "ports": st.lists(PORTS, max_size=3),
        "env": lists(name=st.sampled_from("ABC")),
        "envFrom": lists(configMapRef=st.just({"name": "x"})),
        "volumeMounts": lists(name=st.sampled_from("vw"), mountPath=st.sampled_from(["/a", "/b", "/c"])),
    }
)
PODS = st.fixed_dictionaries(
    {
        "container": CONTAINER,
        "imagePullSecrets": lists(name=st.sampled_from("abc")),
        "hostAliases": lists(ip=st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"])),
        "schedulingGates": lists(name=st.sampled_from("abc")),
        "tolerations": lists(key=st.sampled_from("ab"), operator=st.just("Exists")),
        "topologySpreadConstraints": lists(
            maxSkew=st.integers(1, 2),
            topologyKey=st.sampled_from("ab"),
            whenUnsatisfiable=st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
        ),
    }
)
volumes = [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pod=PODS)
def test_for_pods_of_any_lists_both_say_the_same(asked, pod):
    pod = copy.deepcopy(pod)
    container = {"name": "c", "image": "img:1", **pod.pop("container")}
    manifest = a_manifest(template=a_template(containers=[container], volumes=volumes, **pod))
    assert bool(ours(manifest)) == bool(asked(manifest)), (ours(manifest), asked(manifest))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ports=st.lists(
        st.fixed_dictionaries(
            {"name": st.sampled_from("abcd"), "port": st.integers(1, 3)},
            optional={"protocol": st.sampled_from([None, "TCP", "UDP"])},
        ),
        min_size=1,
        max_size=3,
    )
)
def test_for_services_of_any_ports_both_say_the_same(asked, ports):
    manifest = a_service(ports=ports)
    assert bool(ours(manifest)) == bool(asked(manifest)), (ours(manifest), asked(manifest))


def of_kind(kind, name):
    """A manifest, and the name of its child."""
    if kind == "ServiceGrid":
        return a_service(name), f"{name}-svc"
    return a_manifest(name, kind=kind, template=a_template() | EXTRA.get(kind, {})), f"{name}-u"


EXTRA = {"StatefulSetGrid": {"serviceName": "x"}}
NAMES = ["a", "3scale", "c.d", "a-b", "x1", "a" * 40, "0", "a.b.c", "A", "a_b", "-a", "a..b"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", list(KINDS))
def test_names_are_taken_that_it_takes_for_a_child(asked, kind, name):
    manifest, child = of_kind(kind, name)
    assert bool(ours(manifest, ["u"])) == ("metadata.name" in asked(manifest, child)), child


@pytest.mark.parametrize("unit", ["u", "1", "Site", "a_b", "a.b", "x" * 40])
@pytest.mark.parametrize("kind", ["DeploymentGrid", "StatefulSetGrid"])
def test_units_are_taken_that_it_takes_in_a_child_s_name(asked, kind, unit):
    manifest, _ = of_kind(kind, "g")
    assert bool(ours(manifest, [unit])) == ("metadata.name" in asked(manifest, f"g-{unit}"))

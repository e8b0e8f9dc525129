"""What somebody did, in words."""

from typing import Any

import pytest

from sgportal.core.fleet.activity import told
from sgportal.core.names import PAUSED, PAUSED_UNITS, RESTARTED, RESTARTED_UNITS

WEB = "deploymentgrids/shop/web"


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


def asking(annotation: str, value: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {annotation: value}}, "spec": {"a": 1}}


@pytest.mark.parametrize(
    ("verb", "path", "before", "after", "said"),
    [
        ("create", WEB, None, spec(), "created DeploymentGrid shop/web"),
        ("delete", WEB, spec(a=1), None, "deleted DeploymentGrid shop/web"),
        ("change", WEB, spec(t={"c": [{"image": "a:1"}]}), spec(t={"c": [{"image": "a:2"}]}),
         "changed DeploymentGrid shop/web: t.c[0].image: a:1 → a:2"),
        ("change", WEB, spec(a=1, b=1, c=1, d=1), spec(a=2, b=2, d=2, e=[1]),
         "changed DeploymentGrid shop/web: a: 1 → 2, b: 1 → 2, c: 1 → –, +2"),
        ("change", WEB, spec(), spec(overrides=[{"image": "a:2", "units": ["lyon"]}]),
         "changed DeploymentGrid shop/web: lyon: image → a:2"),
        ("change", WEB, spec(overrides=[{"replicas": 2, "units": ["lyon"]}], a=1),
         spec(overrides=[{"replicas": 3, "units": ["oslo", "rome"]}], a=2),
         "changed DeploymentGrid shop/web: oslo, rome: replicas → 3, lyon: –, a: 1 → 2"),
        ("change", WEB, asking(PAUSED_UNITS, "a"), asking(PAUSED_UNITS, "a,b"), "paused DeploymentGrid shop/web in b"),
        ("change", WEB, asking(PAUSED_UNITS, "a"), asking("x", "y"), "resumed DeploymentGrid shop/web in a"),
        ("change", WEB, asking("x", "y"), asking(PAUSED, "true"), "paused DeploymentGrid shop/web"),
        ("change", WEB, asking(PAUSED, "true"), asking("x", "y"), "resumed DeploymentGrid shop/web"),
        ("change", WEB, asking("x", "y"), asking(RESTARTED, "now"), "restarted DeploymentGrid shop/web"),
        ("change", WEB, asking("x", "y"), asking(RESTARTED_UNITS, '{"a": "now"}'),
         "restarted DeploymentGrid shop/web in a"),
        ("change", WEB, asking("x", "y"), asking("x", "z"), "changed DeploymentGrid shop/web"),
        ("change", WEB, spec(t=["a", {"b": 1}], u={}), spec(t=["a"], u=None),
         "changed DeploymentGrid shop/web: t[1].b: 1 → –, u: … → –"),
        ("change", WEB, spec(a="x"), spec(a="y" * 90), f"changed DeploymentGrid shop/web: a: x → {'y' * 60}…"),
        ("change", "servicegroups/shop/all", spec(), spec(), "changed ServiceGroup shop/all"),
        ("recreate", f"{WEB}#lyon", None, None, "had the workload of DeploymentGrid shop/web (lyon) made anew"),
        ("pin", WEB, {}, {"lyon": 3}, "pinned NodeUnits of DeploymentGrid shop/web to a revision: lyon=3"),
        ("label", "nodes/n1", {"site": None}, {"site": "lyon"}, "changed labels of nodes: n1, site=lyon"),
        ("label", "labeljobs/x", {"n1": {}, "n2": {}}, {"site": None}, "changed labels of nodes: n1, n2, -site"),
        ("move", "labeljobs/x", {"n1": {}}, {"n1": {"site": "b"}}, "moved nodes between NodeUnits: n1, n1: site=b"),
        ("drain", "labeljobs/x", {f"n{each}": {} for each in range(5)}, {}, "drained nodes: n0, n1, n2, +2"),
        ("delete", WEB, {"waiting": "child-deletion", "units": ["a"]}, None,
         "decided that workloads of DeploymentGrid shop/web are deleted: a"),
        ("restore", WEB, {}, None, "decided that DeploymentGrid shop/web is restored in the cluster"),
        ("restore", "cluster", {}, None, "decided that all grids are restored in the cluster"),
        ("something", "else", 1, "2", "something: else"),
        ("change", WEB, "no", ["manifest"], "changed DeploymentGrid shop/web"),
        ("label", "labeljobs/x", None, "text", "changed labels of nodes: "),
    ],
)  # fmt: skip
def test_what_was_done(verb: str, path: str, before: Any, after: Any, said: str) -> None:
    assert str(told(verb, path, before, after)) == said


def test_a_command_in_a_pod_is_told_without_its_words():
    asked = {"pod": "shop/web-0", "container": "c", "command": ["mysql", "-psecret"]}
    begun = str(told("exec", "deploymentgrids/shop/web#a", None, asked))
    assert begun == "ran a command in a pod of DeploymentGrid shop/web (a): shop/web-0, c"
    ended, cut = (
        str(told("exec-ended", "deploymentgrids/shop/web#a", asked, {"ended": why, "exitCode": code}))
        for why, code in (("exit", 1), ("left", None))
    )
    assert ended == "ran a command in a pod of DeploymentGrid shop/web (a) to its end: shop/web-0, c"
    assert cut == "ran a command in a pod of DeploymentGrid shop/web (a), which was cut off or refused: shop/web-0, c"

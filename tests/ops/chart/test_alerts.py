"""Alert rules, dashboard and runbooks: each rule fires by what it is for and by nothing else, asks for numbers that the
portal tells, and has a runbook."""

import json
import re
import subprocess

import pytest
import yaml

from sgportal.core.health import UNHEALTHY, WORKLOAD_STATES
from sgportal.reconciler.endpoints.metrics import BUCKETS
from tests.house.tree import ROOT, text
from tests.kube.helm import build as helm
from tests.kube.promtool import build as promtool

from . import manifests

RULES = ROOT / "deploy" / "alerts.yaml"
ALERTS = {each["alert"]: each for each in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}
DASHBOARD = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
# What a portal that is well tells, every half minute for an hour.
NAMED = 'sgportal_cluster_info{name="shanghai",uid="u"}'
WELL = {
    NAMED: "1x120",
    'sgportal_info{version="1"}': "1x120",
    'sgportal_processes{kind="worker"}': "2x120",
    'sgportal_halted{reason="ClusterChanged"}': "0x120",
    'sgportal_decisions_waiting{kind="grid-gone"}': "0x120",
    'sgportal_mirror_failing{resource="pods"}': "0x120",
    'sgportal_shards_unattended{kind="watch"}': "0x120",
    'sgportal_mirror_age_seconds{resource="pods"}': "5x120",
    "sgportal_work_oldest_seconds": "1x120",
    "sgportal_work_failing": "0x120",
    'sgportal_grid_units{kind="DeploymentGrid",state="Progressing"}': "3x120",
    'sgportal_grid_units{kind="DeploymentGrid",state="Degraded"}': "0x120",
    'sgportal_closure_nodes{namespace="a",servicegrid="b",state="closed"}': "9x120",
    'sgportal_closure_nodes{namespace="a",servicegrid="b",state="leaking"}': "0x120",
    'sgportal_closure_foreign_slices{namespace="a",servicegrid="b"}': "0x120",
    **{f'sgportal_keeper_delay_seconds_bucket{{process="k",le="{bound}"}}': "0+10x120" for bound in (*BUCKETS, "+Inf")},
    'sgportal_workers_broker{state="ok"}': "2x120",
    'sgportal_workers_broker{state="away"}': "0x120",
}
# What goes wrong → the alert that says so. "" takes a series away.
WRONG = {
    "SgportalDown": {'sgportal_info{version="1"}': ""},
    "SgportalProcessMissing": {'sgportal_processes{kind="worker"}': "0x120"},
    "SgportalShardUnattended": {'sgportal_shards_unattended{kind="watch"}': "1x120"},
    "SgportalHalted": {'sgportal_halted{reason="ClusterChanged"}': "1x120"},
    "SgportalDecisionWaiting": {'sgportal_decisions_waiting{kind="grid-gone"}': "1x120"},
    "SgportalClusterUnreachable": {'sgportal_mirror_failing{resource="pods"}': "1x120"},
    "SgportalNewsStale": {'sgportal_mirror_age_seconds{resource="pods"}': "121x120"},
    "SgportalWorkWaiting": {"sgportal_work_oldest_seconds": "61x120"},
    "SgportalWorkFailing": {"sgportal_work_failing": "1x120"},
    "SgportalUnitsUnhealthy": {'sgportal_grid_units{kind="DeploymentGrid",state="Degraded"}': "1x120"},
    "SgportalLoopOpen": {'sgportal_closure_nodes{namespace="a",servicegrid="b",state="leaking"}': "1x120"},
    "SgportalForeignSlices": {'sgportal_closure_foreign_slices{namespace="a",servicegrid="b"}': "1x120"},
    "SgportalKeeperSlow": {
        f'sgportal_keeper_delay_seconds_bucket{{process="k",le="{bound}"}}': "0x120" for bound in BUCKETS if bound < 10
    },
    "SgportalBrokerAway": {'sgportal_workers_broker{state="away"}': "1x120"},
}


def test_each_alert_is_tried():
    assert WRONG.keys() == ALERTS.keys()


@pytest.mark.promtool
def test_each_alert_fires_by_what_it_is_for_and_by_nothing_else(tmp_path):
    """All cases in one run of promtool; the portal that is well comes first."""
    cases = [("", {}), *WRONG.items()]
    tests = [_case(expected, {**WELL, **changed}) for expected, changed in cases]
    tests += [_case(expected, {**WELL, **_elsewhere(changed)}) for expected, changed in cases[2:]]
    body = {"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": tests}
    path = tmp_path / "tests.yaml"
    path.write_text(yaml.safe_dump(body, sort_keys=False))
    done = subprocess.run(
        [str(promtool.find()), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _elsewhere(changed: dict[str, str]) -> dict[str, str]:
    """The same wrong in shanghai, beside a portal of another cluster that is well."""
    other = {NAMED: 'sgportal_cluster_info{name="lyon",uid="v"}'}
    series = {_at(other.get(name, name), "lyon"): values for name, values in WELL.items()}
    return {**dict.fromkeys(WELL, ""), **series, **{_at(name, "sha"): v for name, v in {**WELL, **changed}.items()}}


def _at(series: str, instance: str) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{job="sgportal",instance="{instance}",{labels or "}"}'


def _case(expected: str, series: dict[str, str]) -> dict:
    given = [{"series": name, "values": values} for name, values in series.items() if values]
    firing = 'count by (alertname, name) (ALERTS{alertstate="firing"})'
    named = "" if expected == "SgportalDown" else ',name="shanghai"'  # whoever does not answer tells no name
    samples = [{"labels": f'{{alertname="{expected}"{named}}}', "value": 1}] if expected else []
    return {
        "interval": "30s",
        "input_series": given,
        "promql_expr_test": [{"expr": firing, "eval_time": "55m", "exp_samples": samples}],
    }


def test_an_alert_asks_for_every_state_that_is_unhealthy():
    asked = re.search(r'state=~"([^"]+)"', ALERTS["SgportalUnitsUnhealthy"]["expr"])[1]
    assert set(asked.split("|")) == set(UNHEALTHY) & set(WORKLOAD_STATES)


def test_only_numbers_that_the_portal_tells_are_asked_for():
    told = set(re.findall(r'"(sgportal_[a-z_]+)"', text("sgportal/api/probes/metrics.py")))
    asked = [each["expr"] for each in ALERTS.values()]
    asked += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    names = {re.sub(r"_(bucket|total)$", "", name) for each in asked for name in re.findall(r"sgportal_[a-z_]+", each)}
    assert len(names) > 10
    assert names - told == set()


@pytest.mark.parametrize("document", ["docs/install/alerts.md", "docs/install/alerts.zh-CN.md"])
def test_each_alert_has_a_runbook(document):
    assert re.findall(r"^## (Sgportal\w+)$", text(document), re.M) == list(ALERTS)


@pytest.mark.helm
def test_the_chart_brings_rules_dashboard_and_the_role_for_names():
    chosen = "metrics.rules=true,metrics.dashboard=true,names=true"
    command = [str(helm.find()), "template", "s", str(manifests.CHART), "--namespace", "edge", "--set", chosen]
    made = [
        each for each in yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True).stdout) if each
    ]
    found = {(each["kind"], each["metadata"]["name"]): each for each in made}
    assert found["PrometheusRule", "sgportal"]["spec"] == yaml.safe_load(RULES.read_text())
    assert json.loads(found["ConfigMap", "sgportal-dashboard"]["data"]["sgportal.json"]) == DASHBOARD
    role = next(each for each in manifests.documents(ROOT / "deploy" / "dns.yaml") if each["kind"] == "Role")
    assert found["Role", "sgportal-dns"]["rules"] == role["rules"]
    binding = found["RoleBinding", "sgportal-dns"]
    assert (binding["metadata"]["namespace"], binding["subjects"][0]["namespace"]) == ("kube-system", "edge")

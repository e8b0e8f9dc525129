"""`make faults` takes an hour and runs by hand; that it still runs is seen here, with one of each process and short
faults on the embedded cluster."""

import signal

import pytest

from faults import report, runner
from faults.kinds import every
from faults.setting import setting

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture
def at(embedded_cluster, tmp_path):
    cluster = embedded_cluster("large:4x2").kubeconfig_path
    with setting(tmp_path, cluster, cluster, of_each=1) as made:
        yield made


def _redis_is_another(at):
    at.redis.stop(signal.SIGKILL)
    at.redis.start()


def _somebody_takes_a_workload(at):
    at.api.request("DELETE", "/apis/apps/v1/namespaces/default/deployments/calm-0-unit-0")


def test_what_is_lost_is_told_and_else_nothing(at, monkeypatch):
    """After a fault that the product bears everything is as wanted. One that takes away what nobody may touch shows
    that the comparison sees it."""
    monkeypatch.setattr(runner, "LEAD", 1.0)
    monkeypatch.setattr(runner, "PATIENCE", 60.0)  # what is not as wanted is told before the test is cut off
    spares = runner.furnish(at, 2, 2)
    for name, inject in {"worker": lambda at: at.kill("worker-0"), "redis": _redis_is_another}.items():
        result = runner.run(at, runner.Fault(name, "", inject), spares)
        assert result.found == []
        assert result.recovered is not None
        assert result.answers.get("200", 0) > 0
    told = [each.text for each in runner.run(at, runner.Fault("thief", "", _somebody_takes_a_workload), spares).found]
    assert "Deployment calm-0-unit-0 was made a second time" in told


def test_the_table_is_what_the_command_wrote():
    """Of every fault, from the file of results: no row is typed."""
    written = report.DOCUMENT.read_text()
    assert written == report.with_table(written, every(), report.read(report.RESULTS))
    assert report.read(report.RESULTS).keys() <= every().keys()

"""What every test may use: services found once and listed where they are missing; an embedded cluster; Redis;
PostgreSQL; a real control plane. `STRICT=1` turns skips for what is missing into failures."""

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

import hypothesis
import pytest

from . import services

STRICT = os.environ.get("STRICT", "") not in ("", "0")
MISSING = services.missing()
NOT_INSTALLED = "not installed: "

# The same examples each time, however long one takes here; `--hypothesis-profile=search` tries others each time.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)  # of `make check`
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("tests")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in the test's own thread


def pytest_addoption(parser: pytest.Parser) -> None:
    """How budgets.toml is brought up to date."""
    text = "write tests/budgets/budgets.toml anew instead of comparing with it"
    parser.addoption("--rewrite-budgets", action="store_true", help=text)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadgroup`, in the order of `scheduling`."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from . import scheduling

    return scheduling.Scheduling(config, log)


def pytest_sessionstart() -> None:
    """One worker yields to the others."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from . import scheduling

        scheduling.yield_to_others()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares something heavy on one worker; skip, or fail, what needs a thing that is not installed."""
    for item in items:
        if shared := _shared(item):
            item.add_marker(pytest.mark.xdist_group(shared))
        for marker in services.NEEDED:
            if item.get_closest_marker(marker) and marker in MISSING and not STRICT:
                item.add_marker(pytest.mark.skip(reason=NOT_INSTALLED + MISSING[marker]))


def _shared(item: pytest.Item) -> str:
    """What a test shares with others and no two workers should have at once, "" for nothing: the machine's network (a
    browser drops what it fetches when an interface comes or goes), a control plane, the services of its module.

    A control plane waits for its controllers most of the time: there are several, so that workers wait side by side."""
    if item.get_closest_marker("netns") or item.get_closest_marker("browser"):
        return "network"
    if "dual_stack_plane" in getattr(item, "fixturenames", ()):
        return "dual-stack-plane"
    if "install_plane" in getattr(item, "fixturenames", ()):
        return "install-plane"
    if item.get_closest_marker("kubernetes") or item.get_closest_marker("kubectls"):
        return "reconciler-plane" if "/reconciler/" in str(item.path) else "control-plane"
    heavy = any(item.get_closest_marker(name) for name in services.NEEDED) or "/ops/" in str(item.path)
    return item.path.stem if heavy else ""


@pytest.fixture(autouse=True)
def no_parts_of_other_tests() -> None:
    """What a process remembers of pages is of another database now."""
    if unchanged := sys.modules.get("sgportal.dashboard.page.unchanged"):
        unchanged.parts.forget()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """With STRICT=1 a missing thing is a failure."""
    for marker in services.NEEDED:
        if STRICT and marker in MISSING and item.get_closest_marker(marker):
            pytest.fail(f"{NOT_INSTALLED}{MISSING[marker]} (STRICT=1)", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the components of control planes said last stands beside the failure of a test that used one."""
    report = yield
    kube = sys.modules.get("tests.kube.control_plane")
    if report.failed and kube and item.get_closest_marker("kubernetes") and hasattr(report.longrepr, "addsection"):
        said = "\n".join(line for plane in kube.RUNNING for line in plane.said_last())
        report.longrepr.addsection("the control planes said last", said)  # is shown with --show-capture=no as well
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what failed once and passed when it was run again (`--reruns`): the test or the product has a fault.
    List what is missing, with the number of tests that wanted it."""
    failed = {report.nodeid for kind in ("failed", "error") for report in terminalreporter.getreports(kind)}
    for report in terminalreporter.getreports("rerun"):
        if report.nodeid not in failed:
            terminalreporter.section(f"failed once: {report.nodeid}")
            terminalreporter.line(report.longreprtext)
    if not MISSING:
        return
    terminalreporter.section("not installed here")
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for what in MISSING.values():
        count = sum(NOT_INSTALLED + what in text for text in skipped)
        terminalreporter.line(f"{what}: {count} tests skipped; .ci/run installs it")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Redis]:
    """A real Redis on loopback (mark the test `redis`)."""
    with services.run_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Postgres]:
    """A real PostgreSQL on loopback (mark the test `postgres`)."""
    with services.run_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Kubernetes control plane with the nodes node0, node1, node2 (mark the test `kubernetes`)."""
    from .kube import control_plane as plane

    with plane.run(tmp_path_factory.mktemp("kube"), ["node0", "node1", "node2"]) as running:
        yield running


@pytest.fixture(scope="session")
def dual_stack_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One more, whose Services may have addresses of both families (mark the test `kubernetes`)."""
    from .kube import control_plane as plane

    folder, ranges = tmp_path_factory.mktemp("dual"), "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108"
    with plane.run(folder, ["node0", "node1", "node2"], apiserver=[ranges]) as running:
        yield running


@pytest.fixture
def embedded_cluster() -> Iterator[Callable[..., Any]]:
    """Start embedded clusters: `cluster = embedded_cluster(world="walkthrough")`; each is stopped at the end."""
    from embedded_cluster import EmbeddedCluster

    with contextlib.ExitStack() as stack:
        yield lambda world="walkthrough", **options: stack.enter_context(EmbeddedCluster(world, **options))

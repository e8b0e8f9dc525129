"""Run every benchmark (or those named), print a table, write bench/output/latest.json."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.kube import binaries
from tests.services import chromium

OUTPUT = Path(__file__).parent / "output" / "latest.json"
SMALL, LARGE = "large:200x20", "large:2000x200"
RUNS = {
    "pages-small": ("pages", SMALL),
    "pages-large": ("pages", LARGE),
    "pages-huge": ("pages", "rows:10000x1000"),
    "live": ("live", "200", "rows:2000x200"),
    "live-500": ("live", "500", "rows:2000x200"),
    "main-thread": ("pods.main_thread", "rows:10000x1000"),
    "reaction": ("reaction",),
    "fanout": ("fanout", "large:200x200"),
    "plans": ("plans.grids",),
    "plans-package": ("plans.package",),
    # on a real control plane (make kube)
    "kube-fanout": ("fanout", "kube:1000x1000"),
    "kube-label": ("label", "kube:300x200"),
    "kube-resync": ("resync", "api:200x200", "50"),
    "kube-freshness": ("loops.freshness", "kube:50x10"),
    "kube-memory": ("memory", "api:5000x200"),
    "pods": ("pods.watch", "pods:10000x1000", "100000", "50000"),
    "saturation-watch": ("saturation.watch", "pods:10000x1000", "100000", "0", "1"),
    "saturation-web": ("saturation.web", "rows:10000x1000"),
    "saturation-worker": ("saturation.worker", "large:1000x1000", "5", "1"),
    "saturation-keeper": ("saturation.keeper", "large:200x20", "500", "1"),
    "kube-growth": ("growth",),
    "kube-screen": ("pods.screen", "api:10000x1000"),
    "kube-client": ("beside_go.client", "1000"),
    "kube-closed": ("loops.closed", "kube:1000x1000"),
    # many minutes, so only where it is named
    "kube-without-keeper": ("loops.without_keeper", "10"),
    "kube-beside-go": ("beside_go.controller", "kube:1000x1000"),
}
LONG = (
    "kube-without-keeper",
    "kube-beside-go",
    "saturation-watch",
    "saturation-web",
    "saturation-worker",
    "saturation-keeper",
)
BESIDE_GO = {"20 × 100 from nothing": 1.2, "label, p99": 1.5}  # others: 1.0


Row = tuple[str, str, str, bool | None]  # what, figure, goal, whether it is met


def main() -> int:
    """The exit code: 1 where a goal is missed."""
    if sys.argv[1:2] == ["--one"]:
        return _one(*sys.argv[2:])
    lacking = {name: list(_lacking(name)) for name in RUNS}
    runs = _asked(sys.argv[1:])
    wanted = list(runs) or [name for name, what in lacking.items() if not what and name not in LONG]
    for name, what in lacking.items():
        if what and name not in wanted:
            print(f"left out: {name}, for want of {' and '.join(what)}", file=sys.stderr)
    found: dict[str, Any] = {}
    for name in wanted:
        print(f"… {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "bench", "--one", *runs.get(name, RUNS[name])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own interpreter
        found[name] = json.loads(done.stdout.splitlines()[-1])
    rows = list(_rows(found))
    width = max(len(row[0]) for row in rows)
    for what, value, goal, met in rows:
        print(f"{what:<{width}}  {value:>24}  {goal:<12} {'' if met is None else 'met' if met else 'MISSED'}")
    OUTPUT.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    OUTPUT.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), **machine, "results": found}, indent=1))
    return int(any(met is False for *_, met in rows))


def _asked(words: list[str]) -> dict[str, tuple[str, ...]]:
    """The benchmarks that are named, each with the words after its name in the place of its own first arguments."""
    named: dict[str, list[str]] = {}
    for word in words:
        if word in RUNS:
            named[word] = []
        elif not named:
            raise SystemExit(f"no benchmark: {word}; there are {', '.join(RUNS)}")
        else:
            named[next(reversed(named))].append(word)
    return {name: (RUNS[name][0], *own, *RUNS[name][1 + len(own) :]) for name, own in named.items()}


def _lacking(name: str) -> Iterator[str]:
    """What a benchmark needs and is not here."""
    if name.startswith("kube-") and binaries.missing():
        yield "a compiled control plane (make kube)"
    if name in ("kube-screen", "main-thread") and not chromium():
        yield "chromium"
    if name in ("kube-beside-go", "kube-client") and not shutil.which("go"):
        yield "go"
    if name in ("kube-closed", "kube-without-keeper") and (os.geteuid() or not shutil.which("nft")):
        yield "root and nft"
    if not shutil.which("redis-server"):
        yield "redis-server"


def _one(name: str, *arguments: str) -> int:
    from importlib import import_module

    print(json.dumps(import_module(f"bench.{name}").run(*arguments)))
    return 0


def _rows(found: dict[str, Any]) -> Iterator[Row]:
    """The lines of the table."""
    small, large = found.get("pages-small", {}), found.get("pages-large", {})
    for read, big in large.items():
        little = small.get(read)
        times = f"{big['p95']:.0f} ms p95, {big['bytes'] / 1024:.0f} KiB"
        yield f"{read}, 2,000 nodes, 200 units, 10 grids", times, "≤ 100 ms", big["p95"] <= 100
        if little:
            yield (
                f"{read}, queries at 10 × the size",
                f"{little['queries']} → {big['queries']}",
                "the same",
                little["queries"] == big["queries"],
            )
            yield f"{read}, time at 10 × the size", f"× {big['p50'] / little['p50']:.1f}", "≤ × 15", None
    for read, huge in found.get("pages-huge", {}).items():
        times = f"{huge['p95']:.0f} ms p95, {huge['bytes'] / 1024:.0f} KiB"
        small = huge["bytes"] <= 60 * 1024
        title = f"{read}, 10,000 nodes, 1,000 units, 20 grids"
        yield title, times, "≤ 100 ms, 60 KiB", huge["p95"] <= 100 and small
        yield f"{read}, unchanged", f"{huge['again']:.1f} ms p50", "", None
    for live in (found[name] for name in ("live", "live-500") if name in found):
        title = f"live, {live['browsers']} browsers, {live['changes']} changes a second, CPU of the web process"
        most = 50 if live["browsers"] <= 200 else 95
        yield title, f"{live['cpu']:.0f} %, {live['parts']:.0f} parts a second", f"≤ {most} %", live["cpu"] <= most
        yield "the same, from a change to the browser, p95", f"{live['p95']:.0f} ms", "≤ 2000 ms", live["p95"] <= 2000
        figure = f"{live['page']:.0f} ms, {live['rest_api']:.0f} ms, {live['errors']} errors"
        yield "the same, a page and a REST call meanwhile, p95", figure, "0 errors", not live["errors"]
        figure = f"{live['memory'] * 1024:.0f} KiB, {live['files']:.1f} files, {live['threads']:.2f} threads"
        yield "the same, of each browser", figure, "", None
    if thread := found.get("main-thread"):
        title = "main thread of a browser, overview of 1,000 units × 20 grids"
        yield f"{title}, load", f"{thread['load']:.0f} ms", "≤ 200 ms", thread["load"] <= 200
        figure = f"{thread['update']:.0f} ms, longest task {thread['longest']:.0f} ms, {thread['long']} > 50 ms"
        yield f"{title}, each of {thread['updates']} updates", figure, "≤ 50 ms", thread["update"] <= 50
        figure = ", ".join(f"{thread[what]:.0f}" for what in ("script", "style", "layout", "layouts"))
        yield f"{title}, of that script, style, layout in ms, and layouts", figure, "", None
    yield from _rows_of_the_reconciler(found)
    yield from _rows_of_real_clusters(found)
    yield from _rows_of_closed_loops(found)
    yield from _rows_of_saturation(found)


def _rows_of_saturation(found: dict[str, Any]) -> Iterator[Row]:
    if watched := found.get("saturation-watch"):
        title = f"saturation of the watch, {watched['stored']} pods stored, listed in {watched['listed']:.0f} s"
        figure = f"{watched['most']:.0f} changes a second, {watched['a_core']:.0f} for each core"
        yield f"{title}, rows at most 1 s behind", figure, "", None
        for step in watched["steps"]:
            figure = f"{step['cpu']:.0f} %, {step['p50']:.0f} ms p50, {step['p99']:.0f} ms p99"
            yield f"the same, {step['sent']:.0f} changes a second", figure, "", None
    for read, each in found.get("saturation-web", {}).items():
        figure = f"{each['rate']:.0f} a second at {each['cpu']:.0f} %, {each['a_core']:.0f} for each core"
        yield (
            f"saturation of the web process, {read}, while cells change",
            f"{figure}, {each['p95']:.0f} ms p95",
            "",
            None,
        )
    if worked := found.get("saturation-worker"):
        for what in ("create", "update"):
            each = worked[what]
            figure = f"{each['rate']:.0f} a second at {each['cpu']:.0f} %, {each['a_core']:.0f} for each core"
            yield f"saturation of the workers, {what} {worked['cells']} cells", figure, "", None
    if kept := found.get("saturation-keeper"):
        figure = f"{kept['rate']:.0f} a second at {kept['cpu']:.0f} %, {kept['a_core']:.0f} for each core"
        yield f"saturation of the keeper, {kept['slices']} slices, {kept['memory']:.0f} MiB", figure, "", None


def _rows_of_the_reconciler(found: dict[str, Any]) -> Iterator[Row]:
    if reaction := found.get("reaction"):
        figure = f"{reaction['p50']:.0f} ms p50, {reaction['p95']:.0f} ms p95"
        yield "label → child in the cluster", figure, "≤ 1000 ms", reaction["p95"] <= 1000
    if watched := found.get("pods"):
        figure = f"{watched['p50']:.0f} ms p50, {watched['p99']:.0f} ms p99"
        yield "pods, 500 changes a second of 100,000, lag of the rows", figure, "≤ 1000 ms", watched["p99"] <= 1000
        figure = f"{watched['cpu']:.0f} %, {watched['memory']:.0f} MiB, {watched['listed']:.0f} s, {watched['stored']}"
        yield "pods, the watch's CPU, memory, seconds to list, pods stored", figure, "", None
    if plans := found.get("plans"):
        figure = f"{plans['create']:.1f}, {plans['same']:.1f}, {plans['update']:.1f} s"
        title = f"plans of {plans['grids']} grids × {plans['units']} units: from nothing, unchanged, a new image"
        yield title, figure, "≤ 2 s", max(plans["create"], plans["same"], plans["update"]) <= 2
    if plans := found.get("plans-package"):
        figure = (
            f"{plans['create']:.1f}, {plans['same']:.1f}, {plans['update']:.1f} s, {plans['statements']} statements"
        )
        title = "plan of a ServiceGroup of 20 grids × 1,000 units, from rows: from nothing, unchanged, a new image"
        yield title, figure, "≤ 2 s", max(plans["create"], plans["same"], plans["update"]) <= 2
    for name, goal in (("fanout", 2.0), ("kube-fanout", 1.5)):
        for what in ("create", "update"):
            if each := found.get(name, {}).get(what):
                figure = f"{each['grid']:.0f} : {each['bare']:.0f} ms = {each['ratio']:.2f}"
                title = f"{name}, {what} a grid × {found[name]['units']} units : bare writes"
                yield title, figure, f"≤ {goal}", each["ratio"] <= goal


def _rows_of_closed_loops(found: dict[str, Any]) -> Iterator[Row]:
    if closed := found.get("kube-closed"):
        slices, proxy = closed["slices"], closed["proxy"]
        figure = f"{slices['closed']} : {slices['builtin']} = {slices['ratio']:.2f}"
        yield "kube-closed, slices of a closed Service : ordinary", figure, "≤ 1.1", slices["ratio"] <= 1.1
        beside, alone = closed["writes"]["beside"], closed["writes"]["alone"]
        yield "kube-closed, writes for a pod that changes beside another", f"{beside:.2f}", "≤ 1", beside <= 1.0
        yield "kube-closed, writes for the only pod of a unit that changes", f"{alone:.2f}", "", None
        figure = f"{proxy['closed']:.2f} : {proxy['plain']:.2f} ms = {proxy['ratio']:.2f}"
        yield (
            "kube-closed, kube-proxy and its nft for a change, closed : ordinary",
            figure,
            "≤ 1.2",
            proxy["ratio"] <= 1.2,
        )
        for what in ("own", "nft"):
            figure = f"{closed[what]['closed']:.2f} : {closed[what]['plain']:.2f} ms = {closed[what]['ratio']:.2f}"
            yield f"kube-closed, of that {what}", figure, "", None


def _rows_of_real_clusters(found: dict[str, Any]) -> Iterator[Row]:
    if alone := found.get("kube-without-keeper"):
        figure = ", ".join(
            f"{alone[name]} {name}" for name in ("connections", "foreign", "moved", "timeout", "refused")
        )
        yield "ten minutes without a keeper, calls answered by another unit", figure, "0 foreign", not alone["foreign"]
        yield "the same, seconds after a keeper is started until all is right", f"{alone['back']:.1f}", "", None
    if resync := found.get("kube-resync"):
        figure = f"{resync['writes']} writes, {resync['lists']} lists, {resync['milliseconds'] / 1000:.1f} s"
        title = f"kube-resync, a sweep over {resync['grids']} grids, {resync['units']} cells, nothing changed"
        met = resync["writes"] == 0 and resync["lists"] <= 1 and resync["milliseconds"] <= 5000
        yield title, figure, "0, ≤ 1, ≤ 5 s", met
        yield "kube-resync, all requests", f"{resync['requests']}", "", None
    if screen := found.get("kube-screen"):
        figure = f"{screen['p50']:.0f} ms p50, {screen['p95']:.0f} ms p95"
        title = "kube-screen, a pod's readiness → its cell in Chromium, 10,000 nodes, 1,000 units"
        yield title, figure, "≤ 1000 ms", screen["p95"] <= 1000
    if growth := found.get("kube-growth"):
        for change, parts in growth["100"].items():
            for part, least in parts.items():
                most = max(each[change][part] for each in growth.values())
                figures = " : ".join(f"{each[change][part]:.1f}" for each in growth.values())
                title = f"kube-growth, one {change}, CPU of {part}, {', '.join(growth)} units"
                yield title, f"{figures} ms", "≤ 1.3 ×", most <= 1.3 * least
    if label := found.get("kube-label"):
        figure = f"{label['p50']:.0f} ms p50, {label['p99']:.0f} ms p99"
        yield f"kube-label, label → children of {label['grids']} grids", figure, "≤ 1000 ms", label["p99"] <= 1000
        yield "kube-label, median : bare writes", f"{label['ratio']:.2f} × {label['bare']:.0f} ms", "", None
    for what, fresh in found.get("kube-freshness", {}).items():
        for who in ("builtin", "keeper"):
            each = fresh[who]
            figure = f"{each['p50']:.0f} ms p50, {each['p99']:.0f} ms p99"
            goal, met = ("≤ 500 ms", each["p99"] <= 500) if who == "keeper" else ("", None)
            yield f"kube-freshness, pod → slice by {who}, {what}, {each['seen']} changes", figure, goal, met
        yield f"kube-freshness, p99, keeper : builtin, {what}", f"{fresh['ratio']:.2f}", "≤ 2", fresh["ratio"] <= 2
    for process, size in found.get("kube-memory", {}).items():
        together = process == "worker, watch and keeper together"
        goal, met = ("≤ 400 MiB", size <= 400) if together else ("", None)
        yield f"kube-memory, {process}, 5,000 nodes, 200 units, 50 grids", f"{size:.0f} MiB", goal, met
    for verb, by in found.get("kube-client", {}).items():
        ours, go = by["sgportal"], by["go"]
        ratio = ours["milliseconds"] / go["milliseconds"]
        figure = f"{ours['milliseconds']:.0f} : {go['milliseconds']:.0f} ms = {ratio:.2f}"
        yield f"kube-client, {verb} 1,000 Deployments, our client : client-go", figure, "≤ 1.1", ratio <= 1.1
        yield f"kube-client, {verb}, processor", f"{ours['cpu']:.2f} : {go['cpu']:.2f} s", "", None
    for work, each in found.get("kube-beside-go", {}).items():
        unit, goal = ("s", 1.5) if work == "cpu" else ("ms", BESIDE_GO.get(work, 1.0))
        figure = f"{each['sgportal']:.0f} : {each['go']:.0f} {unit} = {each['ratio']:.2f}"
        yield f"kube-beside-go, {work}, sgportal : Go", figure, f"≤ {goal}", each["ratio"] <= goal


if __name__ == "__main__":
    sys.exit(main())

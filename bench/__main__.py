"""Run every benchmark (or those named), print a table, write bench/output/latest.json."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent / "output" / "latest.json"
SMALL, LARGE = "large:200x20", "large:2000x200"
RUNS = {
    "pages-small": ("pages", SMALL),
    "pages-large": ("pages", LARGE),
    "reaction": ("reaction",),
    "fanout": ("fanout",),
    "resync": ("resync",),
}


def main() -> int:
    """The exit code: 1 where a goal is missed."""
    if sys.argv[1:2] == ["--one"]:
        return _one(*sys.argv[2:])
    wanted = sys.argv[1:] or list(RUNS)
    found: dict[str, Any] = {}
    for name in wanted:
        print(f"… {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "bench", "--one", *RUNS[name]]
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


def _one(name: str, *arguments: str) -> int:
    from importlib import import_module

    print(json.dumps(import_module(f"bench.{name}").run(*arguments)))
    return 0


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str, bool | None]]:
    """(what, figure, goal, whether it is met) for the table."""
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
    if reaction := found.get("reaction"):
        figure = f"{reaction['p50']:.0f} ms p50, {reaction['p95']:.0f} ms p95"
        yield "label → child in the cluster", figure, "≤ 1000 ms", reaction["p95"] <= 1000
    if fanout := found.get("fanout"):
        figure = f"{fanout['grid']:.0f} : {fanout['bare']:.0f} ms = {fanout['ratio']:.2f}"
        yield f"a grid × {fanout['units']} units : bare creates", figure, "≤ 2", fanout["ratio"] <= 2
    if resync := found.get("resync"):
        figure = f"{resync['writes']} writes, {resync['reads']} reads"
        yield f"a look at {resync['units']} units, nothing changed", figure, "0 writes", resync["writes"] == 0


if __name__ == "__main__":
    sys.exit(main())

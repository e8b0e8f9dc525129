"""Results as lines, as a file and as the table of `docs/reliability`.

The table is written from the file of results beside it, and a test compares the two: no row is typed.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .comparison import DOUBLED, LOST, UNEXPLAINED
from .kinds import Fault
from .runner import Result

OUTPUT = Path(__file__).parent / "output" / "latest.json"
DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability" / "README.md"
RESULTS = DOCUMENT.with_name("results.json")
_TABLE = re.compile(r"(<!-- results -->\n).*?(<!-- end -->)", re.S)
_HEAD = (
    "fault",
    "what happens",
    "run on",
    "took",
    "as wanted after",
    "objects before → after",
    "answers",
    LOST,
    DOUBLED,
    UNEXPLAINED,
)


def line(result: Result) -> str:
    """A fault's row of the table on the screen."""
    counts = ", ".join(f"{result.count(kind)} {kind}" for kind in (LOST, DOUBLED, UNEXPLAINED))
    objects = f"{sum(result.before.values())} → {sum(result.after.values())} objects"
    return (
        f"{result.name:<20} {result.seconds:>5.0f} s  {objects}  as wanted after {_after(result.recovered):<6} {counts}"
    )


def _after(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def write(result: Mapping[str, Any], file: Path = OUTPUT) -> None:
    """Add a result to the file, in the place of an earlier one of that name."""
    kept = read(file)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kept[result["name"]] = {"at": at, **result}
    keep(kept, file)


def read(file: Path) -> dict[str, Any]:
    """The results in a file, by the name of the fault."""
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def keep(results: Mapping[str, Any], file: Path) -> None:
    """Write a file of results."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")


def document(faults: Mapping[str, Fault], fresh: Mapping[str, Any]) -> None:
    """Add results to those beside the document, and write all of them into it."""
    keep({**read(RESULTS), **fresh}, RESULTS)
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), faults, read(RESULTS)))


def with_table(text: str, faults: Mapping[str, Fault], results: Mapping[str, Any]) -> str:
    """The document with the table of these results."""
    table = "\n".join([f"| {' | '.join(_HEAD)} |", "|---" * len(_HEAD) + "|", *_rows(faults, results)])
    return _TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def _rows(faults: Mapping[str, Fault], results: Mapping[str, Any]) -> Iterator[str]:
    for name, fault in faults.items():
        cells = [f"`{name}`", fault.what]
        if found := results.get(name):
            notes = f" ({'; '.join(found['notes'])})" if found["notes"] else ""
            objects = f"{sum(found['before'].values())} → {sum(found['after'].values())}"
            answers = ", ".join(f"{count} × {code}" for code, count in sorted(found["answers"].items()))
            cells[1] += notes
            cells += [found["at"][:10], f"{found['seconds']:.0f} s", _after(found["recovered"]), objects, answers]
            cells += [str(found[kind]) for kind in (LOST, DOUBLED, UNEXPLAINED)]
        else:
            cells += ["not run yet", *[""] * 7]
        yield f"| {' | '.join(cells)} |"


def keep_logs(folder: Path, kept: Path) -> None:
    """Copy what every process said."""
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, kept / log.name)

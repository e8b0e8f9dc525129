"""Results as lines, as a file and as the table of `docs/reliability`."""

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
_HEAD = (
    "fault",
    "what happens",
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


def write(result: Mapping[str, Any]) -> dict[str, Any]:
    """Add a result to the file, in the place of an earlier one of that name; all that it has then."""
    OUTPUT.parent.mkdir(exist_ok=True)
    kept = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kept[result["name"]] = {"at": at, **result}
    OUTPUT.write_text(json.dumps(kept, indent=1))
    return kept


def document(faults: Mapping[str, Fault], results: Mapping[str, Any]) -> None:
    """Write the results into the document."""
    table = "\n".join([f"| {' | '.join(_HEAD)} |", "|---" * len(_HEAD) + "|", *_rows(faults, results)])
    text = DOCUMENT.read_text()
    text = re.sub(r"(<!-- results -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.S)
    DOCUMENT.write_text(text)


def _rows(faults: Mapping[str, Fault], results: Mapping[str, Any]) -> Iterator[str]:
    for name, fault in faults.items():
        cells = [f"`{name}`", fault.what]
        if found := results.get(name):
            notes = f" ({'; '.join(found['notes'])})" if found["notes"] else ""
            objects = f"{sum(found['before'].values())} → {sum(found['after'].values())}"
            answers = ", ".join(f"{count} × {code}" for code, count in sorted(found["answers"].items()))
            cells[1] += notes
            cells += [f"{found['seconds']:.0f} s", _after(found["recovered"]), objects, answers]
            cells += [str(found[kind]) for kind in (LOST, DOUBLED, UNEXPLAINED)]
        else:
            cells += ["not run yet", *[""] * 6]
        yield f"| {' | '.join(cells)} |"


def keep_logs(folder: Path, kept: Path) -> None:
    """Copy what every process said."""
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, kept / log.name)

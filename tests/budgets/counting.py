"""Counting statements to the database, and the file that says how many there should be."""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

FILE = Path(__file__).parent / "budgets.toml"
QUEUE = '"sgportal_workkey"'  # the table of the work queue
HEAD = """\
# What work and pages cost: SQL statements (without BEGIN, COMMIT and SAVEPOINT) and requests to the API server, each in
# a small and in a large world. tests/budgets holds this file true in both directions: a count that falls is news, too.
# `pytest tests/budgets --rewrite-budgets -n 0` writes it anew.
"""
_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
Budget = Mapping[str, Any]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of a block, as templates without their values."""
    seen: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip().upper().startswith(_CONTROL):
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def listed(seen: list[str]) -> str:
    """Statements for people: each once, with how often it was sent, in order of the first of each."""
    return "\n".join(f"  {count} × {sql[:300]}" for sql, count in Counter(seen).items())


class Budgets:
    """The file. `rewrites` says that counts are written to it instead of being compared with it."""

    def __init__(self, rewrites: bool) -> None:
        self.rewrites = rewrites

    def hold(self, section: str, found: Budget, evidence: Mapping[str, str]) -> None:
        """Compare what was counted, by name, with a section of the file; `evidence` lists what was sent."""
        if self.rewrites:
            self._write(section, found)
            return
        known = _read().get(section, {})
        names = sorted({name for name in found.keys() | known.keys() if found.get(name) != known.get(name)})
        wrong = [
            f"{section} {name}: {found.get(name)}; the file says {known.get(name)}\n{evidence.get(name, '')}"
            for name in names
        ]
        assert not wrong, "\n".join([*wrong, "If that is meant: pytest tests/budgets --rewrite-budgets -n 0"])

    @staticmethod
    def _write(section: str, found: Budget) -> None:
        whole = {**_read(), section: dict(found)}
        parts = [HEAD]
        for title in sorted(whole):
            lines = [f"{json.dumps(name)} = {_value(each)}" for name, each in sorted(whole[title].items())]
            parts.append("\n".join([f"[{json.dumps(title)}]", *lines]) + "\n")
        FILE.write_text("\n".join(parts), encoding="utf-8")


def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)

"""`manage.py import FILE…`: what objects of SuperEdge, OpenYurt and KubeEdge come to; with `--apply` it is done."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import actions
from ...api.migration.serializers import Import, ImportSerializer
from ...core.documents import MAX_BYTES, read_documents
from ...core.text import Invalid, Problem
from ..import_report import report_lines

LOSSY = 3  # the exit code where something is lost, or pods start anew


class Command(BaseCommand):
    """Exit code 0: everything is carried over; 3: something is lost, or pods start anew, which the report says; 1:
    refused, or blocked by something in the input."""

    help = (
        "Reports what becomes of every field of objects of SuperEdge, OpenYurt and KubeEdge (YAML or JSON, as kubectl "
        "prints them; - is standard input), and with --apply makes grids and node labels of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the files, and what to do with them."""
        parser.add_argument("files", nargs="+", metavar="FILE")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--dry-run", action="store_true", help="only report (the default)")
        either.add_argument("--apply", action="store_true", help="save the grids, and label nodes by a job")
        parser.add_argument("--plan", default="", help="apply only what the dry run with this id reported")
        parser.add_argument("--output", choices=("text", "json"), default="text")

    def handle(self, *_args: Any, files: list[str], apply: bool, plan: str, output: str, **_options: Any) -> None:
        """Report, then apply where that is asked for."""
        documents = [each for file in files for each in _read(file)]
        actor = actions.Actor("manage.py", "shell")
        try:
            done = actions.import_objects(documents, actor, dry_run=True)
            if plan and done.id != plan:
                raise actions.PlanChanged
            if apply:
                with actions.as_planned(done.ids):
                    done = actions.import_objects(documents, actor)
        except Invalid as invalid:
            raise CommandError("\n".join(map(_told, invalid.problems))) from invalid
        except actions.Refused as refused:
            raise CommandError(str(refused.sentence)) from refused
        if output == "json":
            self.stdout.write(json.dumps(ImportSerializer.of(Import(done, not apply)), indent=2, default=str))
        else:
            self.stdout.writelines(f"{line}\n" for line in report_lines(done, applied=apply))
        if done.translation.is_blocked:
            raise CommandError("blocked: nothing is applied before the input is changed", returncode=1)
        if not apply and any(True for _ in done.translation.findings("lost", "restarts")):
            sys.exit(LOSSY)


def _read(file: str) -> Iterator[Any]:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(file, "rb") as opened:
                data = opened.read(MAX_BYTES + 1)
        yield from read_documents(data)
    except OSError as error:
        raise CommandError(str(error)) from error
    except Invalid as invalid:
        raise CommandError("\n".join(f"{file}: {_told(each)}" for each in invalid.problems)) from invalid


def _told(problem: Problem) -> str:
    return f"{problem.pointer or '/'}: {problem.sentence}"

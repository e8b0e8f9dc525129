"""The report on an import as lines for a terminal, in English."""

from collections.abc import Iterator

from .. import actions
from ..core.containers.log_text import written_out
from ..core.imports.report import Finding, SourceReport


def report_lines(done: actions.Imported, applied: bool) -> Iterator[str]:
    """What became of each object and field; the worst comes last, where a terminal shows it."""
    for line in _lines(done, applied):
        yield written_out(line).replace("\t", "\\t")


def _lines(done: actions.Imported, applied: bool) -> Iterator[str]:
    found = done.translation
    for source in found.sources:
        yield from _object_lines(source)
    yield ""
    for key, units in found.members.items():
        for unit, nodes in units.items():
            yield f"NodeUnit {key}={unit}: {', '.join(nodes) or 'no node yet'}"
    for node, labels in found.labels.items():
        yield f"label node {node}: {' '.join(f'{key}={value}' for key, value in labels.items())}"
    for saved in done.saved:
        yield f"{saved.path}: {saved.result}{'' if applied else ' (dry run)'}"
        yield from (f"  warning {each.pointer}: {each.sentence}" for each in saved.warnings)
    if done.job:
        yield f"nodes are labelled by job {done.job.pk}"
    counts = ", ".join(f"{number} {level}" for level, number in found.count().items() if number)
    yield f"findings: {counts or 'none'}"
    if not applied:
        yield f"plan: {done.id}"


def _object_lines(source: SourceReport) -> Iterator[str]:
    place = f"{source.namespace}/{source.name}" if source.namespace else source.name
    yield f"{source.kind} {place} ({source.api_version}) at {source.where or '/'}"
    for each in source.carried:
        yield f"  carried   {each.pointer} → {each.to}"
    for finding in source.findings:
        yield from _finding_lines(finding)


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"  {finding.level:<9} {finding.pointer or '/'}: {finding.sentence}"
    if finding.cure:
        yield f"            → {finding.cure}"
    if finding.command:
        yield f"            $ {finding.command}"

"""Jobs and CronJobs (batch/v1): what is filled in, and what is refused."""

import re
from collections.abc import Callable, Iterator

from ..objects.errors import cause
from ..objects.formats import one_of
from ..objects.values import Object

_PREFIX = "batch.kubernetes.io/"
_FIELDS = (("minutes", 0, 59), ("hours", 0, 23), ("days of the month", 1, 31), ("months", 1, 12), ("weekdays", 0, 6))
_NAMES = {
    word: number
    for words in ("jan feb mar apr may jun jul aug sep oct nov dec", "sun mon tue wed thu fri sat")
    for number, word in enumerate(words.split(), int(words.startswith("jan")))
}
_EVERY = re.compile(r"@every (\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+")
_NAMED = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def job_defaults(spec: Object, metadata: Object, fill_template: Callable[[Object], None]) -> None:
    """Fill in a Job's spec, in place, and what of its metadata follows from it."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    for key, value in (
        ("parallelism", 1),
        ("backoffLimit", 6),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("podReplacementPolicy", "TerminatingOrFailed"),
    ):
        if spec.get(key) is None:
            spec[key] = value
    if isinstance(spec.get("template"), dict):
        fill_template(spec)
        _label(spec, metadata)


def _label(spec: Object, metadata: Object) -> None:
    """Give the pods of a Job labels of their own, by which it chooses them, unless it chooses by others."""
    if spec.get("manualSelector") or spec.get("selector"):
        return
    uid, name = metadata["uid"], metadata["name"]
    own = {f"{_PREFIX}controller-uid": uid, f"{_PREFIX}job-name": name, "controller-uid": uid, "job-name": name}
    about = spec["template"].get("metadata") or {}
    spec["template"]["metadata"] = {**about, "labels": {**(about.get("labels") or {}), **own}}
    spec["selector"] = {"matchLabels": {f"{_PREFIX}controller-uid": uid}}
    if not metadata.get("labels"):
        metadata["labels"] = dict(spec["template"]["metadata"]["labels"])


def job_problems(spec: Object, where: str = "spec") -> Iterator[dict[str, str]]:
    """The causes for refusing a Job's spec, besides those of its containers."""
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or "Always"
    place = f"{where}.template.spec.restartPolicy"
    if policy == "Always":
        yield cause(place, 'Required value: valid values: "OnFailure", "Never"', "FieldValueRequired")
    else:
        yield from one_of(policy, place, "OnFailure", "Never")
    for name in ("parallelism", "completions", "backoffLimit"):
        if (spec.get(name) or 0) < 0:
            yield cause(f"{where}.{name}", f"Invalid value: {spec[name]}: must be greater than or equal to 0")


def cron_problems(spec: Object) -> Iterator[dict[str, str]]:
    """The causes for refusing a CronJob's spec."""
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield cause("spec.schedule", "Required value", "FieldValueRequired")
    elif wrong := _misread(schedule):
        yield cause("spec.schedule", f'Invalid value: "{schedule}": {wrong}')
    yield from job_problems((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _misread(schedule: str) -> str:
    """What is wrong with a schedule, "" for nothing (robfig/cron's standard parser)."""
    if schedule.startswith("@"):
        good = schedule in _NAMED or _EVERY.fullmatch(schedule)
        return "" if good else f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        listed = " ".join(fields)
        return f"expected exactly 5 fields, found {len(fields)}: [{listed}]"
    return next(filter(None, map(_misread_field, fields, _FIELDS)), "")


def _misread_field(text: str, limits: tuple[str, int, int]) -> str:
    _, least, most = limits
    for part in text.split(","):
        span, _, step = part.partition("/")
        if "/" in part and not (step.isdigit() and int(step)):
            return f"step of range should be a positive number: {part}"
        ends = [] if span in ("*", "?") else span.split("-")
        numbers = [_NAMES.get(end.lower(), int(end) if end.isdigit() else -1) for end in ends]
        if len(ends) > 2 or -1 in numbers:
            return f"failed to parse int from {span}"
        if any(number < least for number in numbers):
            return f"beginning of range ({min(numbers)}) below minimum ({least}): {part}"
        if any(number > most for number in numbers):
            return f"end of range ({max(numbers)}) above maximum ({most}): {part}"
        if numbers != sorted(numbers):
            return f"beginning of range ({numbers[0]}) beyond end of range ({numbers[1]}): {part}"
    return ""

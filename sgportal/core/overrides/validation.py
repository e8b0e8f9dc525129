"""What is wrong with `spec.overrides`, each problem with its JSON pointer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ..schema import check, check_fields
from ..text import REQUIRED, Problem, pointer, say
from ..units import Unit
from .choice import SHAPE, choice_problems
from .merging import DELETE, DIRECTIVE
from .override import Override, Unfit, clash_among, laid_over, overrides_of, strip_directives

MOST = 1000
_SHAPE = {
    **SHAPE,
    "container": ("str", False),
    "replicas": ("int", False),
    "image": ("str", False),
    "env": ("[EnvVar]", False),
    "args": ("[str]", False),
    "resources": ("ResourceRequirements", False),
    "patch": ("any", False),
}
_CHANGES = ("replicas", "image", "env", "args", "resources", "patch")
MOST_REPLICAS = 2**31 - 1  # an int32
TemplateCheck = Callable[[Mapping[str, Any], str], Iterator[Problem]]
Templates = Mapping[str, Mapping[str, Any]]


def shape_problems(entries: Sequence[Any], type_name: str) -> Iterator[Problem]:
    """What is wrong with the entries by themselves, where children have a spec of `type_name`."""
    where = "/spec/overrides"
    if len(entries) > MOST:
        yield Problem(where, say("must have at most %(limit)s entries", limit=MOST))
        return
    for index, entry in enumerate(entries):
        here = where + pointer(index)
        wrong = list(check_fields(entry, _SHAPE, here))
        yield from wrong or _entry_problems(entry, here, type_name)


def _entry_problems(entry: Mapping[str, Any], where: str, type_name: str) -> Iterator[Problem]:
    yield from choice_problems(entry, where)
    if all(entry.get(name) is None for name in _CHANGES):
        yield Problem(where, say("must change something: %(fields)s", fields=", ".join(_CHANGES)))
    if not 0 <= (entry.get("replicas") or 0) <= MOST_REPLICAS:
        yield Problem(where + "/replicas", say("must be between 0 and %(most)s", most=MOST_REPLICAS))
    if entry.get("image") == "":
        yield Problem(where + "/image", REQUIRED)
    if entry.get("env"):  # of which each name may be there once
        yield from check({"name": "c", "env": entry["env"]}, "Container", where)
    patch = entry.get("patch")
    if patch is not None:
        yield from _patch_problems(patch, where + "/patch", type_name)


def _patch_problems(patch: Any, where: str, type_name: str) -> Iterator[Problem]:
    yield from _directive_problems(patch, where)
    for each in check(strip_directives(patch), type_name, where):
        if each.sentence != REQUIRED:  # what a patch leaves out, the template has
            yield each
    if isinstance(patch, Mapping) and patch.get("selector") is not None:
        yield Problem(where + "/selector", say("cannot be overridden: all children of a grid have one selector"))
    for name in ("selector", "template"):
        if isinstance(patch, Mapping) and name in patch and patch[name] is None:
            yield Problem(where + pointer(name), say("must not be null"))


def _directive_problems(value: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        if DIRECTIVE in value and value[DIRECTIVE] != DELETE:
            yield Problem(where + pointer(DIRECTIVE), say("must be “delete”; for other changes write the fields"))
        for key, each in value.items():
            yield from _directive_problems(each, where + pointer(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _directive_problems(each, where + pointer(index))


def effect_problems(
    entries: Sequence[Mapping[str, Any]],
    templates: Templates,
    used_by: Callable[[str], str],
    type_name: str,
    check_template: TemplateCheck,
) -> Iterator[Problem]:
    """What is wrong with what the entries, right by themselves, come to. `templates` by name, which are right, and the
    name of the one that is `used_by` a unit; `check_template` says what is wrong with a result, at a pointer."""
    overrides = overrides_of(entries)
    for override in overrides:
        yield from _fit_problems(override, templates, used_by, type_name, check_template)
    named: dict[str, list[Override]] = {}
    for override in overrides:
        for unit in override.choice.names:
            named.setdefault(unit, []).append(override)
    yield from _clash_problems(named, templates, used_by, type_name)


def clash_problems(
    overrides: Sequence[Override],
    templates: Templates,
    used_by: Callable[[str], str],
    type_name: str,
    units: Iterable[Unit],
) -> Iterator[Problem]:
    """Overrides that say different things of one of these units."""
    chosen = {unit.name: [each for each in overrides if each.choice.takes(unit)] for unit in units}
    yield from _clash_problems(chosen, templates, used_by, type_name)


def _meant(override: Override, templates: Templates, used_by: Callable[[str], str]) -> Templates:
    """The templates that an override may be laid over: those of its units where it names them, else any."""
    if override.choice.wanted is not None:
        return templates
    names = {used_by(unit) for unit in override.choice.names}
    return {name: templates[name] for name in names if name in templates}


def _fit_problems(
    override: Override,
    templates: Templates,
    used_by: Callable[[str], str],
    type_name: str,
    check_template: TemplateCheck,
) -> Iterator[Problem]:
    meant = _meant(override, templates, used_by)
    unfit, fitting = [], []
    for template in meant.values():
        try:
            fitting.append(laid_over(template, [override], type_name))
        except Unfit as reason:
            unfit.append(Problem(override.where + pointer(reason.field), reason.sentence))
    # Chosen by labels, it need not fit every template; a unit whose template it does not fit says so.
    if unfit and (override.choice.wanted is None or not fitting):
        yield unfit[0]
        return
    for result in fitting if override.entry.get("patch") else ():
        wrong = list(islice(check_template(result, override.where + "/patch"), 1))
        yield from (Problem(override.where, _comes_to(each)) for each in wrong)
        if wrong:
            return


def _comes_to(problem: Problem) -> Any:
    place = problem.pointer.partition("/patch")[2]
    return say("makes an invalid child: %(field)s %(why)s", field=place, why=problem.sentence)


def _clash_problems(
    chosen: Mapping[str, Sequence[Override]], templates: Templates, used_by: Callable[[str], str], type_name: str
) -> Iterator[Problem]:
    """The clashes among the overrides of each unit, each pair of overrides once."""
    tried: set[tuple[str, ...]] = set()
    for unit, overrides in chosen.items():
        template = templates.get(used_by(unit))
        mark = (used_by(unit), *(each.where for each in overrides))
        if template is None or mark in tried:
            continue
        tried.add(mark)
        try:
            clash = clash_among(overrides, template, type_name)
        except Unfit:  # said above, or of the unit later
            continue
        if clash:
            yield Problem(clash.second.where, clash.sentence(unit))

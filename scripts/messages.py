"""Bring the message catalogue up to date: `python scripts/messages.py`.

It collects every sentence from templates (`translate`, `blocktranslate`) and code (`gettext` and its kin, `say`), and
merges them into sgportal/locale/*/LC_MESSAGES/django.po: what is new comes with an empty translation, what is gone is
dropped. Nothing is guessed. `.mo` files are compiled from it at set-up and are not kept in the repository.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog, pofile
from babel.messages.extract import extract, extract_python
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted((ROOT / "sgportal/locale").glob("*/LC_MESSAGES/django.po"))
CODE = ("core", "models", "queries", "reconciler", "api", "dashboard", "actions", "access", "admin", "settings.py")
KEYWORDS: dict[str, Any] = {
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "_": None,
    "say": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def extract_template(file: Any, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Babel's extraction method for Django templates, by Django's own rewriting of a template into calls."""
    calls = templatize(file.read().decode())
    flat = "\n".join(line.lstrip() for line in calls.splitlines())
    return extract_python(BytesIO(flat.encode()), keywords, comment_tags, options)


def sources() -> Iterator[tuple[Path, Any]]:
    """The files that hold sentences, each with its extraction method."""
    for name in CODE:
        place = ROOT / "sgportal" / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield path, extract_python
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield path, extract_template


def collect() -> Catalog:
    """A catalogue of every sentence, untranslated, each with the files it stands in."""
    found = Catalog(project="sgportal", charset="utf-8")
    for path, method in sources():
        with path.open("rb") as file:
            for _line, message, _comments, context in extract(method, file, KEYWORDS):
                found.add(message, locations=[(str(path.relative_to(ROOT)), 0)], context=context)
    return found


def update(path: Path, template: Catalog) -> None:
    """Merge the sentences into a catalogue file."""
    with path.open("rb") as file:
        catalogue = pofile.read_po(file, locale=path.parent.parent.name)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        pofile.write_po(file, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)


if __name__ == "__main__":
    template = collect()
    for path in CATALOGUES:
        update(path, template)

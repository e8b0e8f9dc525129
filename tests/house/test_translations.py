"""Each Chinese document has the headings, code, tables, and names of things in them, of the English one beside it."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.site import places

from .tree import ROOT, files, text

CHINESE = ".zh-CN"
TRANSLATED = [path for path in files() if path.name.endswith(f"{CHINESE}.md")]
_COMMENT = re.compile(r"(^|\s+)#.*")
# What a command writes, in English alone.
_WRITTEN = re.compile(r"<!-- results -->.*?<!-- end -->", re.S)


# What is there for those who develop the product, in English alone, beside the records of decisions.
FOR_DEVELOPERS = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/change-map.md",
    "docs/contributing.md",
    "docs/dependencies.md",
    "docs/rollouts/simulation.md",  # written by scripts/rollout_simulation.py
}
_DECISION = re.compile(r"/\d{4}-")


def english(chinese: Path) -> Path:
    return chinese.with_name(chinese.name.replace(CHINESE, ""))


def outline(document: str) -> Iterator[tuple[str, object]]:
    """The parts that do not depend on the language, in order: `("heading", level)`, `("block", language)`,
    `("code", line without its comment)` of blocks with a language, `("row", (cells, names in code style))`."""
    block: str | None = None
    for line in _WRITTEN.sub("", document).splitlines():
        if line.lstrip().startswith("```"):
            block = line.strip("` ") if block is None else None
            if block is not None:
                yield "block", block
        elif block is not None:
            code = _COMMENT.sub("", line).rstrip()
            if block and code:
                yield "code", code
        elif heading := re.match(r"#+ ", line):
            yield "heading", len(heading[0]) - 1
        elif line.startswith("|"):
            yield "row", (len(re.findall(r"(?<!\\)\|", line)) - 1, sorted(re.findall(r"`([^`]+)`", line)))


def names(document: str) -> list[set[str]]:
    """What is in code style in the text of each chapter; a line break in it is a space."""
    prose = re.sub(r"^ *```.*?^ *```", "", _WRITTEN.sub("", document), flags=re.M | re.S)
    chapters = re.split(r"^#+ .*$", prose, flags=re.M)
    return [{re.sub(r"\s+", " ", name) for name in re.findall(r"`([^`]+)`", chapter)} for chapter in chapters]


def test_there_are_translations():
    assert len(TRANSLATED) > 10
    assert [path for path in TRANSLATED if not (ROOT / english(path)).is_file()] == []


def test_every_page_for_users_is_translated():
    of_the_site = {source for source in places() if source.endswith(".md") and not _DECISION.search(source)}
    originals = {source for source in of_the_site if CHINESE not in source}
    assert originals - {english(path).as_posix() for path in TRANSLATED} == FOR_DEVELOPERS


def test_the_outline_is_what_no_language_changes():
    said = "# A\n\n| a `x` |\n|---|\n```sh\nmake  # why\n# more\n```\n"
    assert list(outline(said)) == [
        ("heading", 1),
        ("row", (1, ["x"])),
        ("row", (1, [])),
        ("block", "sh"),
        ("code", "make"),
    ]
    assert list(outline(said.replace("why", "为何").replace("# A", "# 甲"))) == list(outline(said))
    assert list(outline(said.replace("`x`", "`y`"))) != list(outline(said))
    assert names("`a`\n# A\n`b\n c`\n```\n`d`\n```\n") == [{"a"}, {"b c"}]


@pytest.mark.parametrize("path", TRANSLATED, ids=str)
def test_the_chinese_document_has_the_parts_of_the_english_one(path):
    assert list(outline(text(path))) == list(outline(text(english(path))))


@pytest.mark.parametrize("path", TRANSLATED, ids=str)
def test_the_chinese_document_names_what_the_english_one_names(path):
    chapters = zip(names(text(english(path))), names(text(path)), strict=True)
    assert [(ours - theirs, theirs - ours) for ours, theirs in chapters if ours != theirs] == []


@pytest.mark.parametrize("path", TRANSLATED, ids=str)
def test_a_chinese_document_leads_to_chinese_ones(path):
    """But for itself in the other language, which is its first link."""
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+\.md[^)\s]*)\)", text(path))}
    into = {posixpath.normpath(posixpath.join(path.parent.as_posix(), target)) for target in targets}
    translated = {english(each).as_posix() for each in TRANSLATED} - {english(path).as_posix()}
    assert into & translated == set()

"""The house stays as drawn: imports point down, rooms stay small, nothing unfinished, nothing vendored."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from .tree import ROOT, files, functions, text, under

MODULE_LINES, FUNCTION_LINES, FOLDER_FILES = 300, 60, 15
LISTS = ("migrations", "decisions")  # of folders: their files are lists in order, in which nobody searches


def product() -> list[Path]:
    return [path for path in under("sgportal", "embedded_cluster", suffix=".py") if "migrations" not in path.parts]


def test_every_import_points_down(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports() == 0


@pytest.mark.parametrize("document", ["docs/architecture.md", "docs/architecture.zh-CN.md"])
def test_the_picture_shows_the_contracts(document):
    """The document draws each contract of layers: the container, and below it a line for each layer."""
    drawn: dict[str, list[str]] = {}
    for line in re.search(r"```\n(.*?)```", text(document), re.S)[1].splitlines():
        if line and not line.startswith(" "):
            layers = drawn[line] = []
        elif line:
            layers.append(re.split(r" {2,}", line.strip())[0])
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    assert drawn == {each["containers"][0]: each["layers"] for each in contracts if each["type"] == "layers"}


def test_reads_write_nothing():
    """`core` and `queries` call nothing that changes a row or the cluster."""
    write = re.compile(
        r"\.(save|create|get_or_create|update_or_create|bulk_create|bulk_update|apply|patch|delete)\(|"
        r"objects[^\n]*\.update\(|select_for_update|transaction\.atomic"
    )
    reads = [path for path in product() if path.parts[1] in ("core", "queries")]
    assert len(reads) > 50
    assert [f"{path}: {found[0]}" for path in reads if (found := write.search(text(path)))] == []


def test_no_module_is_too_long_to_read():
    lengths = {str(path): text(path).count("\n") for path in product()}
    assert {name: n for name, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_too_long_to_see_at_once():
    found = {f"{path}:{each.name}": each.end_lineno - each.lineno + 1 for path in product() for each in functions(path)}
    assert {name: lines for name, lines in found.items() if lines > FUNCTION_LINES} == {}


def test_no_folder_is_crowded():
    """Migrations and decisions are lists in order, in which nobody searches."""
    counts = Counter(path.parent for path in files() if path.parent.name not in LISTS)
    assert {str(folder): count for folder, count in counts.items() if count > FOLDER_FILES} == {}


def test_the_embedded_cluster_knows_nobody_it_serves():
    ours = re.compile(r"sgportal|superedge|servicegr|nodeunit|gridUniqKey|deploymentgrid", re.I)
    assert [str(path) for path in under("embedded_cluster") if ours.search(text(path))] == []


def test_no_rule_reads_a_sentence():
    """What is decided hangs on codes; a sentence may be reworded (tests/core/test_reworded.py)."""
    read = [str(path) for path in product() if ".msgid" in text(path)]
    assert read == ["sgportal/core/text.py"]


def test_nothing_is_left_unfinished():
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    assert [str(path) for path in product() if words.search(text(path))] == []


def test_no_error_is_swallowed():
    """`except …: pass` and a bare `except:` hide what went wrong."""
    silent = re.compile(r"except[^\n]*:\s*\n\s*pass\b|except\s*:")
    assert [str(path) for path in product() if silent.search(text(path))] == []


def test_nothing_is_vendored():
    foreign = re.compile(r"(^|/)(node_modules|vendor|third_party)/|\.min\.(js|css)$|(^|/)package(-lock)?\.json$")
    assert [str(path) for path in files() if foreign.search(str(path))] == []


@pytest.mark.parametrize("top", ["templates", "static"])
def test_no_page_needs_another_server(top):
    """Nothing is fetched from elsewhere: no CDN, no fonts, no counters. Links that people follow are not fetched."""
    fetched = re.compile(
        r"""(?:src=|<link[^>]*href=|url\(|@import|import\s*\(?|fetch\()\s*["']?\s*(?:https?:)?//""", re.I
    )
    pages = [path for path in under(top) if path.suffix in (".html", ".css", ".js", ".svg")]
    assert [str(path) for path in pages if fetched.search(text(path))] == []


def test_templates_have_one_element_a_line():
    """`make lint` checks their indentation; this, that there is something to indent."""
    block = re.compile(
        r"<(?:address|article|d[ldt]|div|fieldset|footer|form|h\d|header|li|main|nav|ol|option|p|pre|section|"
        r"select|table|tbody|t[dhr]|thead|ul)[ >]"
    )
    crowded = [
        f"{path}: {line.strip()}"
        for path in under("templates", suffix=".html")
        for line in text(path).splitlines()
        if len(block.findall(line)) > 1
    ]
    assert crowded == []

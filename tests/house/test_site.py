"""The documents as a site: every document has its place, every link leads to a page, the reference is whole."""

import posixpath
import re
import runpy

import pytest
import yaml
from drf_spectacular.generators import SchemaGenerator

from scripts import reference, site
from sgportal.cluster import ALL_DEFINITIONS

from .test_documents import environment_names
from .tree import ROOT, text

LISTED = [page for chapter in yaml.safe_load(text("docs/site/nav.yml")) for page in chapter["pages"]]


@pytest.fixture
def generated(db):
    return dict(reference.pages())


def test_every_document_has_its_place_in_the_navigation(generated):
    documents = {place for place in site.places().values() if place.endswith(".md")} | {
        page for page in generated if site.CHINESE not in page
    }
    decisions = {place for place in documents if re.search(r"(^|/)\d{4}-", place)}
    assert {f"{page}.md" for page in LISTED if page != "DECISIONS"} == documents - decisions - {"index.md"}
    assert "DECISIONS" in LISTED
    assert len(LISTED) == len(set(LISTED))


@pytest.mark.parametrize("source", sorted(name for name in site.places() if name.endswith(".md")))
def test_every_link_of_the_site_leads_to_a_page(source):
    where = site.places()
    page = where[source]
    staged = site.linked((ROOT / source).read_text(), source, page, where)
    staged = re.sub(r"^```.*?^```|`[^`\n]*`", "", staged, flags=re.M | re.S)
    targets = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", staged)}
    local = {target for target in targets if target and "://" not in target and not target.startswith("mailto:")}
    there = {posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) for target in local}
    assert there - set(where.values()) - {"reference/settings.md"} == set()


def test_what_is_in_the_site_is_linked_and_what_is_not_is_named():
    where = {"docs/a.md": "a.md", "docs/b/README.md": "b/README.md", "docs/b/README.zh-CN.md": "b/README.md"}
    said = site.linked(
        "[A](../a.md#x) [code](../../sgportal/x.py) [中文](README.zh-CN.md)", "docs/b/README.md", "b/README.md", where
    )
    assert said == '[A](../a.md#x) code (`sgportal/x.py`) <a href="../../zh/b/README.html">中文</a>'


def test_a_chinese_page_that_is_in_english_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "STAGED", tmp_path)
    made = {
        "reference/rest.md": "# REST\n",
        "reference/settings.md": "# All\n",
        "reference/settings.zh-CN.md": "# 全部\n",
    }
    site.stage(made.items())
    trees = {language: tmp_path / language for language in site.LANGUAGES}
    pages = {path.relative_to(trees["zh"]).as_posix(): path.read_text() for path in trees["zh"].rglob("*.md")}
    in_english = {page for page, said in pages.items() if site.IN_ENGLISH in said}
    title = re.compile(
        r"# (sgportal$|.*[\u4e00-\u9fff])", re.M
    )  # of a page in Chinese; two are titled with the product's name
    assert in_english == {page for page, said in pages.items() if not title.match(said)}
    assert "reference/rest.md" in in_english
    assert not {page for page in trees["en"].rglob("*.md") if site.IN_ENGLISH in page.read_text()}


def test_a_line_break_within_a_chinese_sentence_is_no_space():
    assert site.joined("甲，\n乙 `a`\n（丙）\n  丁 b\nc。\n`d`") == "甲，乙 `a`（丙）丁 b\nc。`d`"
    kept = "# 甲\n\n（乙）。\n- 丙。\n  1. 丁。\n| 戊。\n\n```\n己。\n庚\n```\n"
    assert site.joined(kept) == kept


def test_the_search_of_the_chinese_site_knows_chinese():
    words = runpy.run_path(str(ROOT / "docs/site/conf.py"))["words"]
    said = words("滚动更新spec.rollout的，见 node_1。")
    assert " ".join(said) == "滚动 动更 更新 spec rollout 的 见 node_1"


def test_the_reference_is_whole(generated):
    for page in ("reference/settings.md", "reference/settings.zh-CN.md"):
        assert environment_names() - set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", generated[page], re.M)) == set()
    operations = [
        (method.upper(), path)
        for path, found in SchemaGenerator().get_schema(request=None, public=True)["paths"].items()
        for method in reference.METHODS
        if method in found
    ]
    rows = set(re.findall(r"^\| `([A-Z]+)` \| `([^`]+)` \| .", generated["reference/rest.md"], re.M))
    assert set(operations) == rows
    assert len(operations) > 100
    resources = generated["reference/custom-resources.md"]
    for definition in ALL_DEFINITIONS:
        assert f"## {definition['spec']['names']['kind']} (" in resources
    assert "| `spec.gridUniqKey` | string | The label key" in resources
    assert "| `sgportal_nodes` | gauge | Nodes by readiness. |" in generated["reference/metrics.md"]


@pytest.mark.parametrize("page", ["docs/site/air-gapped.md", "docs/site/air-gapped.zh-CN.md"])
def test_the_images_to_carry_in_are_those_that_are_needed(page):
    named = set(re.findall(r"(?:postgres|redis):[\w.-]+", text("docs/install/README.md")))
    assert set(re.findall(r"(?:postgres|redis):[\w.-]+", text(page))) == named

"""The catalogue and the Chinese documents speak the words of docs/glossary.md."""

import re

import pytest
from babel.messages.pofile import read_po

from .tree import ROOT, files, text

_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$", re.M)
ROWS = _ROW.findall(text("docs/glossary.md"))
TERMS = {english: chinese.split(" / ") for english, chinese in ROWS if english not in ("English", "---")}


def sentences() -> list[tuple[str, str]]:
    """Each sentence of the catalogue, English and Chinese."""
    with (ROOT / "sgportal/locale/zh_Hans/LC_MESSAGES/django.po").open("rb") as file:
        return [(_first(each.id), _first(each.string)) for each in read_po(file, locale="zh_Hans") if each.id]


def _first(forms: str | tuple[str, ...]) -> str:
    return forms if isinstance(forms, str) else forms[0]


def plain(sentence: str) -> str:
    """Without what is no prose: places for values, quotations, names of settings and fields."""
    return re.sub(r"%\(\w+\)s|“[^”]*”|\b[\w-]+\.[\w.-]+|[A-Z]+_[A-Z_]+", " ", sentence)


def test_the_table_is_read():
    assert len(TERMS) > 30
    assert TERMS["node"] == ["节点"]


def prose(document: str) -> str:
    """A document without code, addresses and what is quoted from elsewhere."""
    return re.sub(r"^ *```.*?^ *```|`[^`]*`|\]\([^)]*\)|“[^”]*”", " ", document, flags=re.M | re.S)


@pytest.mark.parametrize("path", [path for path in files() if path.name.endswith(".zh-CN.md")], ids=str)
def test_a_chinese_document_has_no_english_word_of_the_table(path):
    said = prose(text(path))
    words = {
        english for english, chinese in TERMS.items() if english not in chinese and path.name != "glossary.zh-CN.md"
    }
    assert {word for word in words if re.search(rf"(?<![A-Za-z0-9_./-]){word}s?(?![A-Za-z0-9_./-])", said)} == set()


def test_both_glossaries_have_the_same_words():
    assert _ROW.findall(text("docs/glossary.zh-CN.md")) == ROWS


@pytest.mark.parametrize("term", TERMS)
def test_a_sentence_with_the_english_word_has_the_chinese_one(term):
    # “on node” is the word, “NodeUnit” and “node-label” are not.
    word = re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", re.I)
    wrong = {
        english: chinese
        for english, chinese in sentences()
        if word.search(plain(english)) and not any(each in chinese for each in TERMS[term])
    }
    assert wrong == {}


def test_chinese_is_set_with_chinese_punctuation():
    beside = re.compile("[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")
    assert [chinese for _, chinese in sentences() if beside.search(chinese)] == []


def test_chinese_has_no_space_beside_quotation_marks():
    # As on kubernetes.io/zh-cn: a full-width mark brings its own space.
    beside = re.compile("[^\\s·–—→] “|” [^\\s·–—→]")
    assert [chinese for _, chinese in sentences() if beside.search(chinese)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_a_template_sets_no_english_punctuation_beside_a_translated_word(path):
    # A full-width mark belongs in Chinese: it is part of the sentence, or there is none (" · ").
    beside = re.compile(
        r"%\}[:;]\s|\{% translate [^%]*%\}\)?[:;,.!?]|(?<!\()\((?=\{% translate )|_word \}\}[:;,]|title \}\}[:;,]"
    )
    assert beside.findall(path.read_text()) == []

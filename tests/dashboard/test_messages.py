"""The catalogue holds every sentence there is, translated, with the same places to fill in."""

import re
from html import unescape

import pytest
from babel.messages import pofile

from scripts import messages
from sgportal.core.text import Sentence, say
from sgportal.dashboard.page.tags import duration
from sgportal.dashboard.page.tags import say as said

from .addresses import AUDIT, READABLE, WRITABLE, more
from .conftest import browser

PLACES = re.compile(r"%\((\w+)\)s")


def catalogue(path):
    with path.open("rb") as file:
        return pofile.read_po(file, locale=path.parent.parent.name)


@pytest.fixture(scope="module", params=messages.CATALOGUES, ids=lambda path: path.parent.parent.name)
def entries(request):
    return {entry.id: entry for entry in catalogue(request.param) if entry.id}


def test_every_sentence_is_in_the_catalogue_and_no_other(entries):
    """`python scripts/messages.py` brings it up to date."""
    assert set(entries) == {entry.id for entry in messages.collect() if entry.id}


def test_every_sentence_is_translated(entries):
    texts = {key: (entry.string,) if isinstance(entry.string, str) else entry.string for key, entry in entries.items()}
    assert [key for key, text in texts.items() if not text or not all(text)] == []
    assert [key for key, entry in entries.items() if entry.fuzzy] == []


def test_translations_fill_in_what_the_sentence_does(entries):
    for key, entry in entries.items():
        wanted = key if isinstance(key, str) else key[-1]
        texts = (entry.string,) if isinstance(entry.string, str) else entry.string
        for text in texts:
            assert sorted(set(PLACES.findall(text))) == sorted(set(PLACES.findall(wanted))), wanted


def test_a_translation_is_not_its_original(entries):
    same = {key for key, entry in entries.items() if entry.string == key}
    assert same <= {"简体中文", "YAML", "%(pointer)s: %(problem)s", "%(where)s %(why)s"}


def test_sentences_within_sentences_are_said_too(settings):
    settings.USE_I18N = True
    inner = say("all pods are ready")
    assert said(Sentence("pod %(pod)s: %(message)s", (("pod", "p"), ("message", inner)))) == "pod p: all pods are ready"
    assert said(inner.to_json()) == "all pods are ready"
    assert said({}) == said(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d")],
)
def test_ages(seconds, text):
    assert duration(seconds) == f"{text} ago"
    assert duration(seconds, "for") == text


def test_no_page_in_chinese_has_a_sentence_left_in_english(fleet):
    client = browser("admin", django_language="zh-hans")
    sentences = {entry.id for entry in messages.collect() if isinstance(entry.id, str) and " " in entry.id}
    plain = {sentence for sentence in sentences if "%" not in sentence and sentence.isascii()}
    assert len(plain) > 100
    for address in (*READABLE, *WRITABLE, *AUDIT, *more()):
        text = unescape(re.sub(r"<[^>]+>", "\n", client.get(address).content.decode()))
        lines = {line.strip() for line in text.splitlines()}
        assert lines & plain == set(), address

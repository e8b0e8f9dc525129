"""The pages of a pod in Chinese, word by word: what a reader and a screen reader meet, and what scripts say later."""

import re
from html.parser import HTMLParser

import pytest

from sgportal.cluster import ClusterError, Listing
from sgportal.models import Pod

from ..conftest import browser

SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-on", "data-following", "data-ended", "data-failed")
SPOKEN += ("data-matches", "data-empty", "data-live-live", "data-live-reconnecting", "data-live-stale", "data-copied")
SKIPPED = {"script", "style", "pre", "code", "kbd"}
VOID = {"input", "meta", "link", "br", "img", "hr"}
# The field's own words, which stay as they are (docs/glossary.md), Kubernetes' reasons, and what is called so here.
FIELD = "Pod Grid Grids NodeUnit NodeUnits NodeGroup ServiceGroup ServiceGroups API CSV Ctrl UTC Kubernetes Init"
REASONS = "Ready CrashLoopBackOff BackOff Error"
NAMED = "English sgportal kubectl deploymentgrids servicegrids default echo lyo some viewer"
KNOWN = {*FIELD.split(), *REASONS.split(), *NAMED.split()}


class Words(HTMLParser):
    """The English words of a page, in its text and in what is spoken of it; but for names, which are monospaced."""

    def __init__(self) -> None:
        super().__init__()
        self.words: set[str] = set()
        self._open: list[bool] = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in SPOKEN:
                self._read(value or "")
        skipped = tag in SKIPPED or "mono" in (dict(attrs).get("class") or "").split()
        if tag not in VOID:
            self._open.append(skipped)

    def handle_endtag(self, tag):
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data):
        if not any(self._open):
            self._read(data)

    def _read(self, text):
        self.words |= set(re.findall(r"[A-Za-z]{3,}", text))


class Answers:
    """A cluster that answers what the pages of a pod look up: one container of each role, in trouble, and an Event."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod

    def list(self, kind: str, *_: object, **__: object) -> Listing:
        ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        status = {"name": "c", "restartCount": 2, "state": state, "lastState": {"terminated": ended}}
        sidecar = {"name": "s", "image": "img:1", "restartPolicy": "Always"}
        pod = {
            "metadata": {"uid": self.pod.uid},
            "spec": {
                "initContainers": [{"name": "i", "image": "img:1"}, sidecar],
                "containers": [{"name": "c", "image": "img:1"}],
                "ephemeralContainers": [{"name": "e", "image": "img:1"}],
            },
            "status": {"containerStatuses": [status], "conditions": [{"type": "Ready", "status": "False"}]},
        }
        event = {"metadata": {}, "involvedObject": {"kind": "Pod"}, "type": "Warning", "reason": "BackOff", "count": 3}
        return Listing({"Pod": [pod], "Event": [event]}.get(kind, []), "1")

    def log(self, *_: object) -> object:
        raise ClusterError("no answer")


@pytest.fixture
def pod(fleet, settings, monkeypatch) -> Pod:
    settings.SGPORTAL_POD_LOGS = settings.SGPORTAL_EXEC = "viewer"
    found = Pod.objects.get(name="echo-lyo-0")
    for place in ("objects", "logs"):
        monkeypatch.setattr(f"sgportal.reconciler.live.{place}.reading", lambda: Answers(found))
    return found


def read(page) -> set[str]:
    reader = Words()
    reader.feed(page.content.decode())
    return reader.words


@pytest.mark.parametrize("part", ["", "log/", "log/?previous=1&timestamps=1&container=s", "events/", "terminal/"])
def test_the_pages_of_a_pod_have_no_english_left_in_chinese(pod, part):
    page = browser("viewer", django_language="zh-hans").get(f"/pods/default/{pod.name}/{part}")
    assert page.status_code == 200
    assert read(page) - KNOWN == set()


def test_the_reader_sees_the_english_of_an_english_page(pod):
    words = read(browser("viewer").get(f"/pods/default/{pod.name}/log/"))
    assert {"Follow", "Stop", "following", "Previous", "Timestamps", "Matching", "ephemeral"} <= words

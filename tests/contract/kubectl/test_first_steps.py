"""The first steps of a newcomer: on the embedded cluster and on a real one they do the same and say the same, whatever
kubectl they are taken with.

A plain run plays each chapter once, with one kubectl or another; `KUBECTLS=all` plays every chapter with each of them
(five minutes and more)."""

import functools
import json
import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass

import pytest
import yaml

from tests.kube import kubectls

from ..conftest import install
from .first_steps import CHAPTERS, MANIFESTS, Step

pytestmark = [pytest.mark.kubectls, pytest.mark.timeout(300)]
ALL = os.environ.get("KUBECTLS") == "all"
SAMPLE = {  # what is new in a kubectl is how it sends what it writes; what is old in one is how it reads
    "newest": ("namespaces", "mistakes", "objects", "workloads"),
    "one-before": ("discovery", "rights"),
    "two-years-old": ("apply", "pods-and-jobs"),
    "debian": ("nodes",),
}
TELLING = ("newest", "two-years-old", "debian")  # the one before the newest tells nothing new of the real one
COMPARED = {"newest": ("namespaces", "objects"), "two-years-old": ("pods-and-jobs",)}
READS = ("get", "describe", "events", "auth")  # what is asked again until the controllers have done their part
SECONDS = 75
_SAME = (  # what is another in every run, or in every place
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ \+\d{4}", "TIME"),
    (r"127\.0\.0\.1:\d+", "SERVER"),
    (r"\b(10|172)\.\d+\.\d+\.\d+", "ADDRESS"),
    (r"(resourceVersion: \"|Resource Version:\s+)\d+", r"\1N"),
    (r"first-(embedded|real)-[\w-]+?(?=-(b|pc|crb?)\b|[^\w-]|$)", "NS"),
    (r"/\S+/(\S+\.yaml)", r"\1"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{8,10}(?=[\s,/)-]|$)", "-HASH"),
    (r"pod-template-hash=\w+", "pod-template-hash=HASH"),
    (r"\b((?:-HASH|rc|m|debugger|hello)-)[a-z0-9]{5}\b", r"\1RANDOM"),
    (r"(?<![\w.])(\d+(d|h|m|s|ms))+\b", "AGE"),
    (r"(?<=:)3[0-2]\d{3}\b", "NODEPORT"),
    (r"[ \t]+", " "),
)
_EVENTS = re.compile(  # as `describe` prints them
    r"^Events:\n +Type +Reason +Age +From +Message\n[ -]+\n(?P<lines>(?: +(?:Normal|Warning) .*\n?)+)", re.M
)
REPORTERS = {  # who writes Events on both; a real control plane has more controllers, which write any time
    "default-scheduler", "deployment-controller", "job-controller", "kubelet", "statefulset-controller",
}  # fmt: skip


def _of_both(found: re.Match[str]) -> str:
    """The Events of those who are on both clusters."""
    head, lines = found[0].removesuffix(found["lines"]), found["lines"].splitlines(keepends=True)
    kept = [line for line in lines if re.search(rf" ({'|'.join(REPORTERS)}) ", line)]
    return head + "".join(kept) if kept else "Events: <none>\n"


@dataclass(frozen=True)
class Told:
    """What kubectl said to a step."""

    step: Step
    code: int
    text: str

    def plain(self) -> list[str]:
        """What is the same in every run."""
        text = _EVENTS.sub(_of_both, self.text)
        for pattern, put in _SAME:
            text = re.sub(pattern, put, text, flags=re.M)
        return [line.strip() for line in text.strip().splitlines()]


class Typist:
    """Types chapters at a cluster, each once a session."""

    def __init__(self, server, name, folder):
        self.server, self.name, self.folder = server, name, folder
        self.told = {}
        self.files = {}
        for key, text in MANIFESTS.items():
            path = folder / f"{key}.yaml"
            path.write_text(yaml.safe_dump_all(yaml.safe_load_all(text)))  # kubectl takes a leading { for JSON
            self.files[key] = str(path)

    def chapter(self, version, name):
        """What the kubectl of a version said to the steps of a chapter."""
        if (version, name) not in self.told:
            namespace = self.namespace(version, name)
            path = f"/api/v1/namespaces/{namespace}"
            assert self.server("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
            account = f"{path}/serviceaccounts/default"
            self.server.until(lambda: self.server("GET", account).status == 200, SECONDS)
            try:
                self.told[version, name] = [self.type(version, namespace, step) for step in CHAPTERS[name]]
            finally:
                self.server("DELETE", path)
        return self.told[version, name]

    def namespace(self, version, name):
        """Where a chapter is played: a place of its own, since the last one may take its time to go."""
        return f"first-{self.name}-{minor(version)}-{name}"

    def filled(self, text, namespace):
        places = {"ns": namespace, "tmp": str(self.folder), **self.files}
        return re.sub(r"{([\w-]+)}", lambda found: places.get(found[1], found[0]), text)

    def type(self, version, namespace, step):
        """A step; one that only reads, again until it says what it should."""
        wanted = self.filled(step.says, namespace)
        deadline = time.monotonic() + SECONDS
        while True:
            code, text = self.run(version, namespace, self.filled(step.line, namespace))
            again = step.line.startswith(READS) and (code != step.code or wanted not in text)
            if not again or time.monotonic() > deadline or minor(version) < step.since:
                return Told(step, code, text)
            time.sleep(0.2)

    def run(self, version, namespace, line):
        words = shlex.split(line)
        place = [] if "-n" in words else ["-n", namespace]
        cache = self.folder / f"cache-{version}"
        done = subprocess.run(
            [str(kubectls.find(version)), f"--kubeconfig={self.server.kubeconfig}", f"--cache-dir={cache}", *words[:1],
             *place, *words[1:]],
            capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@functools.cache
def minor(version):
    """The minor version of a kubectl."""
    command = [str(kubectls.find(version)), "version", "--client", "--output=json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return int(told["clientVersion"]["gitVersion"].split(".")[1])


def cases(versions, sample):
    """Pairs of a kubectl and a chapter: of these versions all, or the sample."""
    chosen = dict.fromkeys(versions, CHAPTERS) if ALL else sample
    return [(version, chapter) for version, chapters in chosen.items() for chapter in chapters]


@pytest.fixture(scope="session")
def embedded_typist(embedded_server, tmp_path_factory):
    install(embedded_server)
    return Typist(embedded_server, "embedded", tmp_path_factory.mktemp("typist-embedded"))


@pytest.fixture(scope="session")
def real_typist(real_server, tmp_path_factory):
    return Typist(real_server, "real", tmp_path_factory.mktemp("typist-real"))


def untaken(typist, version, chapter):
    """What of a chapter was not as it should be."""
    wrong = []
    for told in typist.chapter(version, chapter):
        step = told.step
        wanted = typist.filled(step.says, typist.namespace(version, chapter))
        if minor(version) >= step.since and (told.code != step.code or wanted not in told.text):
            wrong.append(f"kubectl {step.line}  [{told.code}]\n{told.text}")
    return "\n".join(wrong)


@pytest.mark.parametrize(("version", "chapter"), cases(kubectls.NAMES, SAMPLE))
def test_every_step_is_taken(embedded_typist, version, chapter):
    assert untaken(embedded_typist, version, chapter) == ""


@pytest.mark.kubernetes
@pytest.mark.parametrize(("version", "chapter"), cases(TELLING, COMPARED))
def test_the_real_one_does_and_says_the_same(embedded_typist, real_typist, version, chapter):
    assert untaken(real_typist, version, chapter) == ""
    differ = []
    for mine, real in zip(
        embedded_typist.chapter(version, chapter), real_typist.chapter(version, chapter), strict=True
    ):
        if not mine.step.compared and (mine.code, mine.plain()) != (real.code, real.plain()):
            differ.append(f"kubectl {mine.step.line}\n[{mine.code}] {mine.plain()}\n[{real.code}] {real.plain()}")
    assert not differ, "\n".join(differ)


@pytest.mark.kubernetes
@pytest.mark.parametrize("version", kubectls.NAMES)
def test_what_is_served_is_served_under_the_same_names(embedded_typist, real_typist, version):
    """The embedded cluster has fewer kinds, and none of its own."""
    mine, real = (
        {tuple(line.split()) for line in each.run(version, "default", "api-resources --no-headers")[1].splitlines()}
        for each in (embedded_typist, real_typist)
    )
    assert len(mine) > 35
    assert mine <= real


def test_the_sample_plays_every_chapter_and_every_kubectl():
    assert set(SAMPLE) == set(kubectls.NAMES)
    assert {chapter for chapters in SAMPLE.values() for chapter in chapters} == set(CHAPTERS)


DESCRIBED = """\
Name:   svc1
Events:
  Type     Reason                 Age              From                           Message
  ----     ------                 ----             ----                           -------
"""
REPAIRED = (
    "  Warning  ClusterIPNotAllocated  2s               ipallocator-repair-controller  Cluster IP is not allocated\n"
)
SCALED = "  Normal   ScalingReplicaSet      1s (x2 over 3s)  deployment-controller          Scaled up web from 0 to 1\n"


@pytest.mark.parametrize(
    ("lines", "left"),
    [(REPAIRED, 0), (SCALED, 1), (REPAIRED + SCALED, 1), (SCALED + REPAIRED + SCALED, 2)],
    ids=["theirs", "ours", "both", "between"],
)
def test_events_of_controllers_that_only_a_real_cluster_has_are_not_compared(lines, left):
    plain = Told(Step("describe svc svc1"), 0, DESCRIBED + lines).plain()
    assert len([line for line in plain if line.startswith(("Normal", "Warning"))]) == left
    assert not any("repair" in line for line in plain)
    assert ("Events: <none>" in plain) == (left == 0)

"""Pages in Chinese with something on each of them: what is said is Chinese, and what is English is a name."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from sgportal.core.access.four_eyes import ACTIONS
from sgportal.models import Approval, AuditEvent, Grid, LabelJob

from ...api import builders
from ...api.conftest import Api
from ...api.description import world
from ..conftest import browser

# Their text is a name, code, or what the cluster says.
QUOTED = {"code", "pre", "kbd", "textarea", "script", "style", "datalist", "head", "svg", "time"}


class Texts(HTMLParser):
    """The texts of a page that are no names and no code."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], []

    def handle_starttag(self, tag, attributes):
        if tag in ("br", "img", "input", "link", "meta", "use", "path", "rect", "hr", "col", "wbr"):
            return
        known = dict(attributes)
        classes = set((known.get("class") or "").split())
        quoted = tag in QUOTED or classes & {"mono", "path", "chip"} or known.get("lang") == "en"
        self.open.append((tag, bool(quoted)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        text = " ".join(data.split())
        if text and not any(quoted for _, quoted in self.open):
            self.found.append(re.sub("“[^”]*”", " ", text))


SENTENCE = re.compile(r"(?<![\w/.-])[a-z]{2,}(?:,? [a-z]{2,}){2,}(?![\w/.-])")  # three words, no path or name
OF_GRIDS = "plan events revisions rollout yaml edit delete templates units/nodeunit1 units/nodeunit1/effective"
VERBS = "pause scale image restart rollout-pause rollout-approve rollout-skip rollout-abort rollout-rollback"
PAGES = (
    "overview matrix events activity search cluster cluster-handback decisions notifications saved profile password "
    "second-factor approvals service-tokens nodes assign jobs groups grids grid-new import servicegroups audit"
)


def addresses():
    """Pages about what `world.fill` makes."""
    found = [reverse(name) for name in PAGES.split()]
    for grid in Grid.objects.filter(kind__in=("DeploymentGrid", "ServiceGrid")):
        place = f"/grids/{grid.path}/"
        parts = (
            OF_GRIDS.split() + [f"do/{verb}" for verb in VERBS.split()]
            if grid.kind == "DeploymentGrid"
            else ["endpoints"]
        )
        found += [place, *(f"{place}{part}/" for part in parts)]
    package = "/servicegroups/default/shop/"
    found += [
        package,
        *(f"{package}{each}/" for each in ("revisions", "edit", "delete", "rollout/approve", "rollout/skip")),
    ]
    found += [f"/jobs/{job.pk}/" for job in LabelJob.objects.all()]
    found += [f"/audit/{entry.pk}/" for entry in AuditEvent.objects.order_by("-pk")[:3]]
    where = "key=zone1&unit=nodeunit1"
    return [
        *found,
        "/pods/default/p0/",
        "/nodes/node0/",
        "/nodes/node2/",
        "/group/?key=zone1",
        f"/unit/?{where}",
        f"/activity/?{where}",
    ]


@pytest.mark.django_db
def test_a_page_in_chinese_says_nothing_in_english(settings):
    world.fill(Api(builders.token(builders.user("ada", "admin"))))
    settings.SGPORTAL_FOUR_EYES = list(ACTIONS)
    settings.SGPORTAL_DRY_RUN_SECONDS = 0  # there is no cluster here: why not would be quoted
    later = timezone.now() + timedelta(hours=1)
    for action in ACTIONS:
        asked = {"actor": "ada", "action": action, "path": "deploymentgrids/default/web", "plan": action, "shown": []}
        Approval.objects.create(**asked, expires_at=later)
        AuditEvent.objects.create(
            actor="bo", verb="approval-given", path=asked["path"], after={"action": action, "by": "bo"}
        )
    client = browser("admin", django_language="zh-hans")
    for address in addresses():
        page = client.get(address)
        assert page.status_code == 200, address
        parser = Texts()
        parser.feed(page.content.decode())
        assert [text for text in parser.found if SENTENCE.search(text)] == [], address
        if address in ("/approvals/", "/activity/"):
            assert not {"delete", "drain", "rollback", "decide"} & set(" ".join(parser.found).split()), address

"""The pages and actions that a search finds: by their names in any language of the portal, and by the words that people
and kubectl have for what is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy, override

from ..page.access import may


@dataclass(frozen=True, slots=True)
class Place:
    """A page, or where an action begins: its title, the name of its address, the role it needs, `words` that find it
    besides its title, and the `kind` of grid that a list is narrowed to."""

    title: Any
    address: str
    role: str = "viewer"
    words: str = ""
    kind: str = ""

    @property
    def href(self) -> str:
        """Its address."""
        return reverse(self.address) + (f"?{urlencode({'kind': self.kind})}" if self.kind else "")

    def answers(self, text: str) -> bool:
        """Whether each word of a text is in its names, upper case or lower."""
        names = _names(self)
        return all(word in names for word in text.lower().split())


@cache
def _names(place: Place) -> str:
    titles = []
    for language, _ in settings.LANGUAGES:
        with override(language):
            titles.append(str(place.title))
    return " ".join([*titles, place.words]).lower()


PAGES = (
    Place(gettext_lazy("Overview"), "overview", words="home fleet 首页 站点热力图"),
    Place(gettext_lazy("Matrix"), "matrix"),
    Place(gettext_lazy("Nodes"), "nodes", words="no machine 机器 主机"),
    Place("NodeUnits", "groups", words="sites nodegroups 站点 节点单元 单元"),
    Place("Grids", "grids", words="workloads 工作负载 应用"),
    Place("DeploymentGrids", "grids", words="dg 部署", kind="DeploymentGrid"),
    Place("StatefulSetGrids", "grids", words="ssg 有状态", kind="StatefulSetGrid"),
    Place("ServiceGrids", "grids", words="sg svcgrids 服务", kind="ServiceGrid"),
    Place("ServiceGroups", "servicegroups", words="svcgroups 服务组"),
    Place(gettext_lazy("Incidents"), "events", words="events alerts 事件 告警"),
    Place(gettext_lazy("Activity"), "activity", words="changes who 变更 记录"),
    Place(gettext_lazy("Jobs"), "jobs"),
    Place(gettext_lazy("Cluster"), "cluster"),
    Place(gettext_lazy("Decisions"), "decisions"),
    Place(gettext_lazy("Saved views"), "saved", words="favourites bookmarks 收藏"),
    Place(gettext_lazy("Profile and API tokens"), "profile", words="sessions 会话"),
    Place(gettext_lazy("Change password"), "password"),
    Place(gettext_lazy("Second factor"), "second-factor", words="2fa mfa totp two-factor 两步验证 双因素"),
    Place(gettext_lazy("Approvals"), "approvals", "operator", words="four eyes"),
    Place(gettext_lazy("Notifications"), "notifications", "admin"),
    Place(gettext_lazy("Service tokens"), "service-tokens", "admin"),
    Place(gettext_lazy("Audit"), "audit", "admin"),
)
ACTIONS = (
    Place(gettext_lazy("New grid"), "grid-new", "operator", words="create 创建"),
    Place(gettext_lazy("Change node labels"), "nodes", "operator"),
    Place(gettext_lazy("Import"), "import", "operator", words="restore 恢复"),
)


def found(request: HttpRequest, places: tuple[Place, ...], text: str) -> Iterator[Place]:
    """Those of these places that a text names and that whoever asks may open."""
    for place in places:
        offered = place.address != "approvals" or settings.SGPORTAL_FOUR_EYES
        if offered and place.answers(text) and may(request, place.role):
            yield place

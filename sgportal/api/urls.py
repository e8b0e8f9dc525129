"""The addresses of the REST API."""

from django.urls import URLPattern, path, re_path

from ..core.grids.kinds import KINDS, GridKind
from ..core.overrides.requests import VERBS
from .cluster import decisions, notifications
from .cluster import views as cluster
from .docs.views import Schema
from .events.activity import ActivityList
from .events.views import Events
from .grids import bundles, effective, endpoints, groups, history, operations, revisions
from .grids import views as grids
from .http.problems import nothing_here
from .migration import views as migration
from .nodes import labelling, past
from .nodes import views as nodes
from .people import approvals, bookmarks, grants, service_tokens
from .people import views as people
from .pods import commands
from .pods import views as pods
from .rollouts import packages
from .rollouts import views as rollouts
from .usage import views as usage


def _of_kind(kind: GridKind) -> list[URLPattern]:
    one = f"{kind.plural}/<str:namespace>/<str:name>"
    views = [
        path(kind.plural, grids.GridList.as_view(kind=kind.kind), name=f"api-{kind.plural}"),
        path(one, grids.GridDetail.as_view(kind=kind.kind), name=f"api-{kind.plural}-one"),
        path(f"{one}/plan", grids.GridPlan.as_view(kind=kind.kind)),
        path(f"{one}/revisions", history.GridRevisions.as_view(kind=kind.kind)),
        path(f"{one}/revisions/diff", revisions.GridRevisionDiff.as_view(kind=kind.kind)),
        path(f"{one}/restore", history.GridRestore.as_view(kind=kind.kind)),
        path(f"{one}/events", history.GridEvents.as_view(kind=kind.kind)),
        path(f"{one}/recreate", grids.GridRecreate.as_view(kind=kind.kind)),
        path(f"{one}/pause", operations.GridPause.as_view(kind=kind.kind)),
        path(f"{one}/resume", operations.GridResume.as_view(kind=kind.kind)),
    ]
    if kind.child_kind == "Service":
        return [*views, path(f"{one}/endpoints", endpoints.GridEndpoints.as_view())]
    return [
        *views,
        path(f"{one}/units", revisions.GridUnits.as_view(kind=kind.kind)),
        path(f"{one}/pin", revisions.GridPin.as_view(kind=kind.kind)),
        path(f"{one}/unpin", revisions.GridUnpin.as_view(kind=kind.kind)),
        path(f"{one}/approve-units", operations.GridApprove.as_view(kind=kind.kind)),
        path(f"{one}/restart", operations.GridRestart.as_view(kind=kind.kind)),
        path(f"{one}/image", operations.GridImage.as_view(kind=kind.kind)),
        path(f"{one}/scale", operations.GridScale.as_view(kind=kind.kind)),
        path(f"{one}/rollout", rollouts.GridRollout.as_view(kind=kind.kind)),
        path(f"{one}/rollout/units", rollouts.GridRolloutUnits.as_view(kind=kind.kind)),
        path(f"{one}/rollout/skip", rollouts.GridRolloutSkip.as_view(kind=kind.kind, verb="skip")),
        *(
            path(f"{one}/rollout/{verb}", rollouts.GridRolloutVerb.as_view(kind=kind.kind, verb=verb))
            for verb in VERBS
            if verb != "skip"
        ),
        path(f"{one}/effective", effective.GridEffective.as_view(kind=kind.kind)),
        path(f"{one}/unused-templates", grids.GridUnusedTemplates.as_view(kind=kind.kind)),
    ]


_GROUP = "servicegroups/<str:namespace>/<str:name>"
urlpatterns = [
    *(pattern for kind in KINDS.values() for pattern in _of_kind(kind)),
    path("services", endpoints.ServiceList.as_view(), name="api-services"),
    path("services/<str:namespace>/<str:name>/endpoints", endpoints.ServiceEndpoints.as_view()),
    path("servicegroups", groups.ServiceGroupList.as_view(), name="api-servicegroups"),
    path(_GROUP, groups.ServiceGroupDetail.as_view(), name="api-servicegroup"),
    path(f"{_GROUP}/revisions", history.GroupRevisions.as_view()),
    path(f"{_GROUP}/revisions/diff", history.GroupRevisionDiff.as_view()),
    path(f"{_GROUP}/restore", history.GroupRestore.as_view()),
    path(f"{_GROUP}/rollout", packages.GroupRollout.as_view(), name="api-servicegroup-rollout"),
    path(f"{_GROUP}/rollout/units", packages.GroupRolloutUnits.as_view()),
    path(f"{_GROUP}/rollout/skip", packages.GroupRolloutSkip.as_view(verb="skip")),
    *(
        path(f"{_GROUP}/rollout/{verb}", packages.GroupRolloutVerb.as_view(verb=verb))
        for verb in VERBS
        if verb != "skip"
    ),
    path(f"{_GROUP}/export", groups.ServiceGroupExport.as_view(), name="api-servicegroup-export"),
    path("apply", bundles.Apply.as_view(), name="api-apply"),
    path("export", migration.ExportObjects.as_view(), name="api-export"),
    path("import", migration.ImportObjects.as_view(), name="api-import"),
    path("nodes", nodes.NodeList.as_view(), name="api-nodes"),
    path("nodes/label", labelling.NodeLabelling.as_view(), name="api-nodes-label"),
    path("nodes/cordon", labelling.NodeCordon.as_view(), name="api-nodes-cordon"),
    path("nodes/uncordon", labelling.NodeUncordon.as_view(), name="api-nodes-uncordon"),
    path("nodes/drain", labelling.NodeDrain.as_view(), name="api-nodes-drain"),
    path("nodes/<str:name>", nodes.NodeDetail.as_view(), name="api-node"),
    path("nodes/<str:name>/events", pods.NodeEvents.as_view()),
    path("pods", pods.PodList.as_view(), name="api-pods"),
    path("pods/<str:namespace>/<str:name>", pods.PodDetail.as_view(), name="api-pod"),
    path("pods/<str:namespace>/<str:name>/events", pods.PodEvents.as_view()),
    path("pods/<str:namespace>/<str:name>/log", pods.PodLog.as_view(), name="api-pod-log"),
    path("pods/<str:namespace>/<str:name>/exec", commands.PodExec.as_view(), name="api-pod-exec"),
    path("cell-events", pods.CellEvents.as_view()),
    path("jobs", labelling.JobList.as_view(), name="api-jobs"),
    path("jobs/<uuid:pk>", labelling.JobDetail.as_view(), name="api-job"),
    path("jobs/<uuid:pk>/undo", labelling.JobUndo.as_view(), name="api-job-undo"),
    path("nodegroups", nodes.GroupList.as_view(), name="api-nodegroups"),
    path("nodeunits", nodes.UnitList.as_view(), name="api-nodeunits"),
    path("nodeunits/<path:key>/<str:unit>/history", past.UnitHistory.as_view(), name="api-nodeunit-history"),
    path("nodeunits/<path:key>/<str:unit>/changes", past.UnitChanges.as_view(), name="api-nodeunit-changes"),
    path("usage", usage.UsageDetail.as_view(), name="api-usage"),
    path("usage/nodes", usage.NodeUsageList.as_view()),
    path("usage/nodeunits", usage.UnitUsageList.as_view()),
    path("usage/grids", usage.GridUsageList.as_view()),
    path("usage/cells", usage.CellUsageList.as_view()),
    path("usage/pods", usage.PodUsageList.as_view()),
    path("cluster", cluster.ClusterDetail.as_view(), name="api-cluster"),
    path("cluster/crds", cluster.ClusterDefinitions.as_view(), name="api-cluster-crds"),
    path("cluster/decision", cluster.Decision.as_view(), name="api-decision"),
    path("decisions", decisions.Decisions.as_view(), name="api-decisions"),
    path("notifications", notifications.ChannelList.as_view(), name="api-notifications"),
    path("notifications/<int:pk>", notifications.ChannelDetail.as_view(), name="api-notification"),
    path("notifications/<int:pk>/test", notifications.ChannelTest.as_view(), name="api-notification-test"),
    path("superedge/takeover", cluster.TakeOver.as_view(), name="api-takeover"),
    path("superedge/handback", cluster.HandBack.as_view(), name="api-handback"),
    path("causes", nodes.CauseList.as_view(), name="api-causes"),
    path("overview", nodes.OverviewDetail.as_view(), name="api-overview"),
    path("activity", ActivityList.as_view(), name="api-activity"),
    path("events", Events.as_view(), name="api-events"),
    path("me", people.Me.as_view(), name="api-me"),
    path("tokens", people.TokenList.as_view(), name="api-tokens"),
    path("tokens/<int:pk>", people.TokenDetail.as_view(), name="api-token"),
    path("service-tokens", service_tokens.ServiceTokenList.as_view(), name="api-service-tokens"),
    path("service-tokens/<int:pk>", service_tokens.ServiceTokenDetail.as_view(), name="api-service-token"),
    path("approvals", approvals.ApprovalList.as_view(), name="api-approvals"),
    path("approvals/<int:pk>", approvals.ApprovalDetail.as_view(), name="api-approval"),
    path("grants", grants.GrantList.as_view(), name="api-grants"),
    path("grants/<int:pk>", grants.GrantDetail.as_view(), name="api-grant"),
    path("saved-views", bookmarks.SavedViewList.as_view(), name="api-saved-views"),
    path("saved-views/<int:pk>", bookmarks.SavedViewDetail.as_view(), name="api-saved-view"),
    path("favourites", bookmarks.FavouriteList.as_view(), name="api-favourites"),
    path("favourites/<int:pk>", bookmarks.FavouriteDetail.as_view(), name="api-favourite"),
    path("audit", people.AuditList.as_view(), name="api-audit"),
    path("schema", Schema.as_view(), name="schema"),
    re_path(r"", nothing_here),
]

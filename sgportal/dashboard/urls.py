"""The addresses of the pages."""

from django.urls import path

from .cluster import audit, decisions, demo, notifications
from .cluster import views as cluster
from .editor import views as editor
from .fleet import activity, matrix, search
from .fleet import views as fleet
from .grids import actions as grid_actions
from .grids import effective, operate, package_rollout, rollout, servicegroups
from .grids import views as grids
from .migration import views as migration
from .nodes import jobs, labels, units
from .nodes import views as nodes
from .page import live
from .people import approvals, bookmarks, oidc, preferences, profile, second_factor, service_tokens
from .people.login import Login, Logout, code, password
from .pods import commands
from .pods import events as pod_events
from .pods import views as pods

_GRID = "grids/<str:plural>/<str:namespace>/<str:name>/"

urlpatterns = [
    path("", fleet.overview, name="overview"),
    path("fleet/card/", fleet.card, name="fleet-card"),
    path("matrix/", matrix.matrix, name="matrix"),
    path("events/", fleet.events, name="events"),
    path("activity/", activity.activity, name="activity"),
    path("search/", search.find, name="search"),
    path("pulse/", live.pulse, name="pulse"),
    path("cluster/", cluster.cluster, name="cluster"),
    path("cluster/banner/", cluster.banner, name="cluster-banner"),
    path("cluster/takeover/", cluster.take_over, name="cluster-takeover"),
    path("cluster/handback/", cluster.hand_back, name="cluster-handback"),
    path("cluster/crds/", cluster.definitions, name="cluster-definitions"),
    path("demo/fault/", demo.break_something, name="demo-fault"),
    path("notifications/", notifications.channels, name="notifications"),
    path("notifications/add/", notifications.add, name="notification-add"),
    path("notifications/<int:pk>/test/", notifications.test, name="notification-test"),
    path("notifications/<int:pk>/remove/", notifications.remove, name="notification-remove"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("decisions/halt/", decisions.decide, name="decide"),
    path("decisions/held/", decisions.decide_held, name="decide-held"),
    path("login/", Login.as_view(), name="login"),
    path("login/code/", code, name="login-code"),
    path("oidc/", oidc.begin, name="oidc-begin"),
    path("oidc/callback/", oidc.end, name="oidc-end"),
    path("logout/", Logout.as_view(), name="logout"),
    path("preferences/", preferences.choose, name="preferences"),
    path("saved/", bookmarks.saved, name="saved"),
    path("saved/add/", bookmarks.save, name="view-save"),
    path("saved/<int:pk>/remove/", bookmarks.remove, name="view-remove"),
    path("favourite/", bookmarks.star, name="favourite"),
    path("profile/", profile.profile, name="profile"),
    path("profile/password/", password, name="password"),
    path("profile/second-factor/", second_factor.own, name="second-factor"),
    path("profile/second-factor/recovery-codes/", second_factor.renew, name="second-factor-recovery"),
    path("profile/second-factor/remove/", second_factor.remove, name="second-factor-remove"),
    path("profile/sessions/<str:session>/end/", profile.end, name="session-end"),
    path("profile/tokens/", profile.issue, name="token-issue"),
    path("profile/tokens/<int:pk>/revoke/", profile.revoke, name="token-revoke"),
    path("approvals/", approvals.approvals, name="approvals"),
    path("approvals/<int:pk>/", approvals.decide, name="approval-decide"),
    path("service-tokens/", service_tokens.tokens, name="service-tokens"),
    path("service-tokens/issue/", service_tokens.issue, name="service-token-issue"),
    path("service-tokens/<int:pk>/revoke/", service_tokens.revoke, name="service-token-revoke"),
    path("nodes/", nodes.nodes, name="nodes"),
    path("nodes/<str:name>/", nodes.node, name="node"),
    path("nodes/<str:name>/schedule/", jobs.schedule, name="node-schedule"),
    path("nodes/<str:name>/events/", pod_events.of_node, name="node-events"),
    path("pods/<str:namespace>/<str:name>/", pods.pod, name="pod"),
    path("pods/<str:namespace>/<str:name>/log/", pods.log, name="pod-log"),
    path("pods/<str:namespace>/<str:name>/terminal/", commands.terminal, name="pod-terminal"),
    path("pods/<str:namespace>/<str:name>/events/", pod_events.of_pod, name="pod-events"),
    path("labels/", labels.select, name="select"),
    path("labels/assign/", labels.assign, name="assign"),
    path("labels/<str:token>/", labels.label, name="label"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:pk>/", jobs.job, name="job"),
    path("jobs/<uuid:pk>/undo/", jobs.undo, name="job-undo"),
    path("groups/", units.groups, name="groups"),
    path("group/", units.group, name="group"),
    path("unit/", units.unit, name="unit"),
    path("unit/schedule/", jobs.schedule_unit, name="unit-schedule"),
    path("grids/", grids.grids, name="grids"),
    path("grids/new/", editor.create, name="grid-new"),
    path("export/", migration.exports, name="export"),
    path("import/", migration.imports, name="import"),
    path("grids/check/", editor.check, name="grid-check"),
    path(_GRID, grids.grid, name="grid"),
    path(_GRID + "plan/", grids.plan, name="grid-plan"),
    path(_GRID + "endpoints/", grids.endpoints, name="grid-endpoints"),
    path(_GRID + "events/", grids.events, name="grid-events"),
    path(_GRID + "revisions/", grids.revisions, name="grid-revisions"),
    path(_GRID + "rollout/", rollout.rollout, name="grid-rollout"),
    path(_GRID + "yaml/", grids.manifest, name="grid-yaml"),
    path(_GRID + "edit/", editor.edit, name="grid-edit"),
    path(_GRID + "delete/", grid_actions.delete, name="grid-delete"),
    path(_GRID + "do/<str:verb>/", operate.operate, name="grid-operate"),
    path(_GRID + "undo/<str:token>/", operate.undo, name="grid-undo"),
    path(_GRID + "templates/", grid_actions.prune, name="grid-prune"),
    path(_GRID + "recreate/", grid_actions.recreate, name="service-recreate"),
    path(_GRID + "units/<path:unit>/recreate/", grid_actions.recreate, name="grid-recreate"),
    path(_GRID + "units/<path:unit>/effective/", effective.effective, name="grid-effective"),
    path(_GRID + "units/<path:unit>/events/", pod_events.of_cell, name="cell-events"),
    path(_GRID + "units/<path:unit>/", grids.unit, name="grid-unit"),
    path("servicegroups/", servicegroups.servicegroups, name="servicegroups"),
    path("servicegroups/<str:namespace>/<str:name>/", servicegroups.servicegroup, name="servicegroup"),
    path("servicegroups/<str:namespace>/<str:name>/edit/", editor.edit_group, name="servicegroup-edit"),
    path("servicegroups/<str:namespace>/<str:name>/delete/", servicegroups.delete, name="servicegroup-delete"),
    path(
        "servicegroups/<str:namespace>/<str:name>/revisions/",
        servicegroups.revisions,
        name="servicegroup-revisions",
    ),
    path(
        "servicegroups/<str:namespace>/<str:name>/rollout/<str:verb>/",
        package_rollout.steer,
        name="servicegroup-rollout",
    ),
    path("audit/", audit.audit, name="audit"),
    path("audit/<int:pk>/", audit.entry, name="audit-entry"),
]

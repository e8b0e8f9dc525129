"""Every address of the pages that can be opened, for tests that walk them all."""

from sgportal.models import AuditEvent, LabelJob

GRID = "/grids/deploymentgrids/default/echo/"
SERVICE = "/grids/servicegrids/default/echo/"

READABLE = (
    "/",
    "/?group=site&by=zone&search=l",
    "/matrix/?group=site&unhealthy=1&search=l&cause=RollingOut",
    "/events/?search=l",
    "/activity/",
    "/activity/?group=site&unit=lyo&since=2026-01-01T00:00",
    "/search/?q=lyo",
    "/fleet/card/?key=site&unit=lyo",
    "/?kiosk=1",
    "/pulse/",
    "/cluster/",
    "/decisions/",
    "/nodes/",
    "/nodes/?selector=site+in+(ham)&ready=Ready&group=site&unit=ham",
    "/nodes/?selector=((",
    "/nodes/node0/",
    "/groups/",
    "/groups/?everything=1",
    "/group/?key=site",
    "/unit/?key=site&unit=lyo",
    "/unit/?key=site&unit=nowhere",
    "/unit/?key=site&unit=lyo&at=",
    "/grids/",
    "/grids/?kind=ServiceGrid&state=Ready&namespace=default&key=site&search=e",
    GRID,
    GRID + "units/lyo/",
    GRID + "units/lyo/effective/",
    GRID + "plan/",
    GRID + "events/",
    GRID + "revisions/",
    GRID + "revisions/?from=1&to=2",
    GRID + "rollout/",
    GRID + "rollout/?turn=done&search=h",
    GRID + "yaml/",
    SERVICE,
    SERVICE + "endpoints/",
    SERVICE + "plan/",
    "/servicegroups/",
    "/servicegroups/default/shop/",
    "/servicegroups/default/shop/revisions/",
    "/servicegroups/default/shop/revisions/?from=1&to=2",
    "/jobs/",
    "/saved/",
    "/saved/?at=/nodes/%3Fready%3DUnknown",
    "/profile/",
    "/profile/password/",
    "/profile/second-factor/",
)
WRITABLE = (
    "/labels/assign/?key=site",
    "/labels/assign/?key=((",
    "/grids/new/",
    "/grids/new/?kind=StatefulSetGrid&mode=yaml",
    "/grids/new/?kind=ServiceGroup",
    GRID + "edit/",
    GRID + "edit/?mode=yaml",
    GRID + "delete/",
    GRID + "templates/",
    GRID + "do/pause/",
    GRID + "do/approve/?unit=lyo",
    GRID + "do/restart/?unit=lyo",
    GRID + "do/image/",
    GRID + "do/pin/?unit=lyo",
    GRID + "do/unpin/?unit=lyo",
    GRID + "do/scale/?unit=lyo",
    GRID + "units/lyo/recreate/",
    SERVICE + "edit/",
    "/import/",
    "/approvals/",
    "/servicegroups/default/shop/edit/",
    "/servicegroups/default/shop/delete/",
)
WHOLE = tuple(each for each in READABLE if not each.startswith("/fleet/card/"))  # not a part of a page
AUDIT = ("/notifications/", "/service-tokens/", "/audit/", "/audit/?verb=label&search=a", "/audit/?kind=access")


def more() -> list[str]:
    """The addresses of rows that have numbers: a job and an entry of the audit trail."""
    job = LabelJob.objects.create(
        changes={"site": "ham"},
        results={"node0": {"before": {"site": None}, "state": "done", "detail": ""}},
        author="ada",
    )
    entry = AuditEvent.objects.create(
        actor="ada", door="page", verb="change", path="x", before={"a": 1}, after={"a": 2}
    )
    return [f"/jobs/{job.pk}/", f"/audit/{entry.pk}/"]

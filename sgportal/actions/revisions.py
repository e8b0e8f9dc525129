"""Going back to a stored revision of a grid, also of one that was deleted."""

from ..models import Revision
from .common import Actor, NotFound, intent
from .grids import Saved, save_grids


@intent
def restore_revision(
    path: str, number: int, actor: Actor, *, expect: str | None = None, dry_run: bool = False
) -> Saved:
    """Make the grid at `path` what its revision `number` says; a grid that was deleted is created anew.

    Revision numbers begin anew with each grid of a name: the latest of that number counts. `expect` is the ETag that an
    existing grid must have. Raises NotFound for a revision that is not stored, and whatever `save_grids` raises.
    """
    revision = Revision.objects.filter(path=path, number=number).order_by("-created_at").first()
    if revision is None:
        raise NotFound(f"{path}@{number}")
    return save_grids([revision.source()], actor, expect=expect, dry_run=dry_run)[0]

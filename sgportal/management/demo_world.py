"""What the demo does with its world: wait until it has been seen, and create the sample grids once."""

from datetime import datetime
from pathlib import Path

from ..actions import Actor, save_grids
from ..core.documents import read_documents
from ..core.names import APISERVER
from ..core.shards import undivided
from ..models import Lease, ResourceSync, WorkKey

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def is_mirrored(since: datetime) -> bool:
    """Whether everything that is watched has been listed whole since then."""
    rows = [row for row in ResourceSync.objects.filter(served=True) if undivided(row.resource) != APISERVER]
    seen = {row.resource for row in rows if row.synced_at and row.synced_at >= since}
    return bool(rows) and len(seen) == len(rows)


def forget_messages() -> None:
    """Take back what a demo that ended was at: its messages and leases ended with its memory."""
    WorkKey.objects.update(queued=False, lease_until=None, holder="")
    Lease.objects.all().delete()


def create_sample(world: str, marker: Path) -> None:
    """Create the sample grids of the world `sites`, unless that was done before (`marker` remembers)."""
    if world != "sites" or marker.exists():
        return
    manifests = [each for path in sorted(SAMPLES.glob("sample-*.yaml")) for each in read_documents(path.read_bytes())]
    save_grids(manifests, Actor("admin", "shell"))
    marker.touch()

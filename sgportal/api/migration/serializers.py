"""What an import comes to, as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rest_framework import serializers

from ... import actions
from ...core.imports.report import LEVELS, Finding
from ...core.text import Sentence
from ...models import LabelJob
from ...queries.label_impact import Impact
from ..grids.plans import ID
from ..grids.serializers import Applied, AppliedSerializer
from ..http.shapes import Always, Count, Said, Shape, Texts, one_of
from ..nodes.impact import ImpactSerializer
from ..nodes.serializers import JobSerializer


class CarriedSerializer(Shape):
    """A field of the input (a JSON pointer) and where it went: a manifest's path, `#` and a JSON pointer in it."""

    pointer = serializers.CharField()
    to = serializers.CharField()


class ImportFindingSerializer(Shape):
    """What is to be known of a field of the input (a JSON pointer), and what to do about it."""

    level = one_of(*LEVELS)
    pointer = serializers.CharField(allow_blank=True)
    message = Said(source="sentence")
    cure = Said(required=False)
    command = serializers.CharField(required=False)

    def get_cure(self, found: Finding) -> Sentence | None:
        """Where there is one."""
        return found.cure or None

    def get_command(self, found: Finding) -> str | None:
        """For a shell, where there is one."""
        return found.command or None


class ImportedObjectSerializer(Shape):
    """What became of one object of the input, which stands at a JSON pointer there."""

    pointer = serializers.CharField(source="where", allow_blank=True)
    apiVersion = serializers.CharField()
    kind = serializers.CharField()
    namespace = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    carried = CarriedSerializer(many=True)
    findings = ImportFindingSerializer(many=True)


class CountsSerializer(Shape):
    """How many findings there are of each level."""

    mappings = True
    note = Count()
    changed = Count()
    lost = Count()
    restarts = Count()
    blocked = Count()


class Import(NamedTuple):
    """An import, or what it would come to."""

    done: actions.Imported
    dry_run: bool


class ImportSerializer(Shape):
    """What an import came to, or in a dry run would come to: the report on every field of every object, the NodeUnits
    (by key and name, with their nodes), the labels that nodes are to have for that, the manifests of grids and what
    becomes of each, what labelling would do, and the job that does it."""

    id = serializers.CharField(required=False, help_text=ID)
    counts = CountsSerializer()
    objects = ImportedObjectSerializer(many=True)
    units = serializers.DictField(child=serializers.DictField(child=Texts()))
    labels = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))
    manifests = serializers.ListField(child=serializers.DictField())
    items = AppliedSerializer(many=True)
    impact = ImpactSerializer(allow_null=True)
    job = JobSerializer(allow_null=True)

    def get_id(self, found: Import) -> str | None:
        """Of a dry run."""
        return found.done.id if found.dry_run else None

    def get_counts(self, found: Import) -> Mapping[str, int]:
        """By level."""
        return found.done.translation.count()

    def get_objects(self, found: Import) -> Iterable[Any]:
        """In the order of the input."""
        return found.done.translation.sources

    def get_units(self, found: Import) -> Mapping[str, Any]:
        """With all of their nodes, also those that have the label already."""
        return {
            key: {unit: list(nodes) for unit, nodes in units.items()}
            for key, units in found.done.translation.members.items()
        }

    def get_labels(self, found: Import) -> Mapping[str, Any]:
        """Those that nodes do not have yet."""
        return found.done.translation.labels

    def get_manifests(self, found: Import) -> Sequence[Any]:
        """As `kubectl apply` takes them."""
        return list(found.done.translation.manifests)

    def get_items(self, found: Import) -> Iterable[Applied]:
        """In the order of the manifests."""
        return [Applied(each, found.dry_run) for each in found.done.saved]

    def get_impact(self, found: Import) -> Impact | None:
        """Where there are labels to set."""
        return found.done.impact

    def get_job(self, found: Import) -> LabelJob | None:
        """Where it was begun."""
        return found.done.job


class RemarkSerializer(Shape):
    """What is to be known of the export of a grid (its path), about one NodeUnit or ("") all."""

    path = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    message = Said(source="sentence")


class ExportSerializer(Shape):
    """The Deployments, StatefulSets and Services of a page of grids, as kubectl takes them."""

    mappings = True
    apiVersion = Always("v1")
    kind = Always("List")
    items = serializers.ListField(child=serializers.DictField())
    remarks = RemarkSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page of grids, null on the last.")

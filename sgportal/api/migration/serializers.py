"""What an import comes to, as JSON."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rest_framework import serializers

from ... import actions
from ...core.imports.report import LEVELS, Finding
from ...core.text import Sentence
from ..grids.plans import ID
from ..grids.serializers import Applied, AppliedSerializer
from ..http.shapes import Always, Count, Labels, Said, Shape, Texts, one_of
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
    objects = ImportedObjectSerializer(many=True, source="done.translation.sources")
    units = serializers.DictField(child=serializers.DictField(child=Texts()), source="done.translation.members")
    labels = serializers.DictField(child=Labels(), source="done.translation.labels")
    manifests = serializers.ListField(child=serializers.DictField(), source="done.translation.manifests")
    items = AppliedSerializer(many=True)
    impact = ImpactSerializer(allow_null=True, source="done.impact")
    job = JobSerializer(allow_null=True, source="done.job")

    def get_id(self, found: Import) -> str | None:
        """Of a dry run."""
        return found.done.id if found.dry_run else None

    def get_counts(self, found: Import) -> Mapping[str, int]:
        """By level."""
        return found.done.translation.count()

    def get_items(self, found: Import) -> Iterable[Applied]:
        """In the order of the manifests."""
        return [Applied(each, found.dry_run) for each in found.done.saved]


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

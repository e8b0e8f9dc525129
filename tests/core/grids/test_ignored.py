"""`spec.ignoreDifferences`: what may be left to others, and what is said of an entry that cannot be."""

import pytest

from sgportal.core.grids.grid import parse
from sgportal.core.ownership.ignored import MAX_ENTRIES
from sgportal.core.text import Invalid

from ..builders import a_grid

GOOD = [
    {"jsonPointers": ["/spec/replicas"]},
    {"jsonPointers": ["/spec/template/spec/containers/0/image", "/metadata/labels/team"]},
    {"jsonPointers": ["/metadata/annotations/example.com~1owner"]},
    {"fieldPaths": ["spec.replicas"]},
    {"fieldPaths": ['spec.template.spec.containers[name="c"].image', "spec.template.spec.containers[*].resources"]},
    {"fieldPaths": ["spec.template.spec.containers[name=c].ports[containerPort=80,protocol=TCP]"]},
    {"fieldPaths": ['spec.template.metadata.annotations["example.com/restarted"]', "spec.template.spec.tolerations"]},
    {"managers": ["keda-operator", "kube-controller-manager"]},
    {"managers": ["vpa-updater"], "fieldPaths": ["spec.template.spec.containers[*].resources"]},
]


@pytest.mark.parametrize("entry", GOOD, ids=str)
def test_what_may_be_left_to_others(entry):
    assert len(a_grid(ignoreDifferences=[entry]).ignored) == 1


BAD = [
    ({}, "", "must name fields"),
    ({"jsonPointers": []}, "", "must name fields"),
    ({"jsonPointer": ["/spec/replicas"]}, "/jsonPointer", "unknown field"),
    ({"jsonPointers": "/spec/replicas"}, "/jsonPointers", "must be a list"),
    ({"jsonPointers": ["spec/replicas"]}, "/jsonPointers/0", "must be a JSON pointer"),
    ({"jsonPointers": ["/spec/~2"]}, "/jsonPointers/0", "must be a JSON pointer"),
    ({"jsonPointers": ["/spec/replicas", "/spec/replica"]}, "/jsonPointers/1", "replicas"),
    ({"jsonPointers": ["/spec"]}, "/jsonPointers/0", "must point into spec"),
    ({"jsonPointers": ["/status/replicas"]}, "/jsonPointers/0", "must point into spec"),
    ({"jsonPointers": ["/metadata/labels"]}, "/jsonPointers/0", "managed by the grid"),
    ({"jsonPointers": ["/metadata/ownerReferences"]}, "/jsonPointers/0", "managed by the grid"),
    ({"jsonPointers": ["/metadata/labels/superedge.io~1grid-selector"]}, "/jsonPointers/0", "managed by the grid"),
    ({"jsonPointers": ["/metadata/finalizers/0"]}, "/jsonPointers/0", "only single labels and annotations"),
    ({"jsonPointers": ["/spec/template/spec/tolerations/0"]}, "/jsonPointers/0", "one value for the API server"),
    ({"jsonPointers": ["/spec/template/spec/containers/c/image"]}, "/jsonPointers/0", "is a list"),
    ({"fieldPaths": ["spec.selector"]}, "/fieldPaths/0", "managed by the grid"),
    ({"fieldPaths": ["spec.template"]}, "/fieldPaths/0", "managed by the grid"),
    ({"fieldPaths": ["spec.template.spec.nodeSelector.zone"]}, "/fieldPaths/0", "managed by the grid"),
    ({"fieldPaths": ["spec.template.spec.containers[image=x]"]}, "/fieldPaths/0", "are selected by name"),
    ({"fieldPaths": ["spec.replicas.more"]}, "/fieldPaths/0", "does not exist"),
    ({"fieldPaths": ["spec..replicas"]}, "/fieldPaths/0", "must be a field of the child"),
    ({"fieldPaths": [""]}, "/fieldPaths/0", "must be a field of the child"),
    ({"fieldPaths": ["spec." + "x" * 2000]}, "/fieldPaths/0", "must be a field of the child"),
    ({"managers": ["sgportal"]}, "/managers/0", "is the portal itself"),
    ({"managers": [""]}, "/managers/0", "must be the name of a field manager"),
    ({"managers": ["x" * 129]}, "/managers/0", "must be the name of a field manager"),
]


def problems(*entries):
    with pytest.raises(Invalid) as refused:
        a_grid(ignoreDifferences=list(entries))
    return [(each.pointer, each.sentence) for each in refused.value.problems]


@pytest.mark.parametrize(("entry", "where", "says"), BAD, ids=str)
def test_what_may_not_is_refused_with_the_field(entry, where, says):
    ((place, sentence),) = problems({"managers": ["keda-operator"]}, entry)
    assert place == f"/spec/ignoreDifferences/1{where}"
    assert says in str(sentence)


def test_there_is_an_end_to_how_many():
    ((place, sentence),) = problems(*[{"managers": ["a"]}] * (MAX_ENTRIES + 1))
    assert (place, str(MAX_ENTRIES) in str(sentence)) == ("/spec/ignoreDifferences", True)


def test_of_a_service_other_fields_may_be_left():
    def left(path):
        spec = {"gridUniqKey": "zone", "template": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
        spec["ignoreDifferences"] = [{"fieldPaths": [path]}]
        header = {"apiVersion": "superedge.io/v1", "kind": "ServiceGrid", "metadata": {"name": "s", "namespace": "n"}}
        return parse({**header, "spec": spec}).ignored

    assert len(left("spec.externalTrafficPolicy")) == len(left("spec.ports[port=80].nodePort")) == 1
    with pytest.raises(Invalid, match="replicas"):
        left("spec.replicas")

"""What Kubernetes is known to bear, and whether a plan leaves it: warnings, never refusals.

The numbers per namespace are those of SIG Scalability ("Kubernetes Scalability thresholds"); beyond them things get
slow, they do not break. An object of more than 1.5 MiB is refused by etcd (`--max-request-bytes`), annotations of more
than 256 KiB by the API server (`TotalAnnotationSizeLimitB`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from ...text import Sentence, say
from ..plan import Step

PODS = "Pod"
MOST = {"Deployment": 2000, "Service": 5000, PODS: 3000}  # in one namespace
MOST_BYTES = 3 * 512 * 1024
MOST_ANNOTATION_BYTES = 256 * 1024
NEAR = 0.8  # of the bytes: the API server adds to an object what it manages
ALIKE = 200  # children of one grid differ by little: so many are measured


def growth(steps: Iterable[Step]) -> Counter[str]:
    """How many more objects of each kind, pods included, the steps make than they delete."""
    found: Counter[str] = Counter()
    for step in steps:
        if step.verb in ("create", "delete"):
            found[step.kind] += 1 if step.verb == "create" else -1
        if step.verb != "release":
            found[PODS] += _replicas(step.body) - _replicas(step.seen)
    return found


def _replicas(body: Mapping[str, Any]) -> int:
    spec = body.get("spec") or {}
    return int(spec.get("replicas", 1)) if "template" in spec else 0


def crowded(namespace: str, present: Mapping[str, int], more: Mapping[str, int]) -> Iterator[Sentence]:
    """What there would be too many of in a namespace, where `present` are there and a plan makes so many `more`."""
    for kind, most in MOST.items():
        there = present.get(kind, 0) + more.get(kind, 0)
        if more.get(kind, 0) > 0 and there > most:
            yield say(
                "the namespace “%(namespace)s” would have at least %(count)s objects of kind %(kind)s; Kubernetes is "
                "tested with up to %(most)s in one namespace, beyond that it gets slow; spread the grids over more "
                "namespaces",
                namespace=namespace,
                count=there,
                kind=kind,
                most=most,
            )


_OBJECT = say("“%(name)s” has %(size)s KiB; the cluster's store refuses objects of more than %(most)s KiB")
_NOTES = say("the annotations of “%(name)s” have %(size)s KiB; the API server refuses more than %(most)s KiB")


def large(steps: Sequence[Step]) -> Iterator[Sentence]:
    """Of the largest objects that would be written: that they come near to what the API server takes."""
    bodies = [step for step in steps if step.body][:ALIKE]
    for measure, most, sentence in ((_bytes, MOST_BYTES, _OBJECT), (_annotations, MOST_ANNOTATION_BYTES, _NOTES)):
        sizes = [(measure(step.body), step.name) for step in bodies]
        size, name = max(sizes, default=(0, ""))
        if size > most * NEAR:
            yield sentence.having(name=name, size=size // 1024, most=most // 1024)


def _bytes(body: Mapping[str, Any]) -> int:
    return len(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=str))


def _annotations(body: Mapping[str, Any]) -> int:
    """The bytes of an object's annotations, or of its pods', whichever are more."""
    pods = ((body.get("spec") or {}).get("template") or {}).get("metadata") or {}
    return max(
        sum(len(key.encode()) + len(str(value).encode()) for key, value in (each.get("annotations") or {}).items())
        for each in (body.get("metadata") or {}, pods)
    )

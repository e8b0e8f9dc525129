"""Which data plane carries traffic to Services on the nodes, whether the API server keeps hints for nodes, and which
modes of a closed loop follow from that. What each data plane does, and by which source: docs/decisions/0006.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..names import NO_NODE
from ..text import Sentence, say
from .closure import Capabilities
from .rules import SINCE
from .slices.hints import named

PlaneName = Literal["kube-proxy", "cilium", "calico-ebpf", "ovn-kubernetes", "kube-ovn", "antrea", "unknown"]
CILIUM = "cilium.io"  # the API group by which it is noticed
# Other data planes by their API groups. OVN-Kubernetes takes the place of kube-proxy; the others may be told not to.
OTHERS: Mapping[str, PlaneName] = {"k8s.ovn.org": "ovn-kubernetes", "kubeovn.io": "kube-ovn", "crd.antrea.io": "antrea"}
_REPLACES = ("true", "strict", "partial", "probe")  # of Cilium's kube-proxy-replacement, over all its versions
_CALICO_SINCE = (3, 32, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of reading an object: its `body` (None: there is none), or the words in which that was `refused`."""

    body: Mapping[str, Any] | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Plane:
    """A data plane. `setting` is Cilium's kube-proxy-replacement, or Calico's version; `why` says what could not be
    read, where that leaves it open what carries the traffic."""

    name: PlaneName
    setting: str = ""
    why: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A dry run of an EndpointSlice with hints for nodes: whether they survive it (None: not known), and in which words
    the API server refused it."""

    kept: bool | None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whether the modes strict, failover and prefer can be kept (None: not known), what speaks against it and what else
    should be known, and what follows for a ServiceGrid."""

    kept: bool | None
    sentences: tuple[Sentence, ...]
    can: Capabilities


def trial_slice(namespace: str) -> dict[str, Any]:
    """The EndpointSlice of a dry run; it has what slices of closed Services need, and is no Service's."""
    hints = {"forNodes": named([NO_NODE]), "forZones": named([""])}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"generateName": "sgportal-trial-", "namespace": namespace},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["198.51.100.1"], "hints": hints}],  # of a block for documentation (RFC 5737)
        "ports": [],
    }


def survived(sent: Mapping[str, Any], answered: Mapping[str, Any]) -> Trial:
    """What became of the hints in the answer to a dry run."""
    (endpoint,) = sent["endpoints"]
    got = [each.get("hints") for each in answered.get("endpoints") or ()]
    return Trial(got == [endpoint["hints"]])


def groups_refused(words: str) -> Plane:
    """The data plane where not even the API groups may be listed."""
    return _unknown(say("the API groups cannot be listed (%(said)s)", said=words))


def cilium(config: Answer) -> Plane:
    """The data plane where the group of Cilium is served; `config` is the ConfigMap kube-system/cilium-config."""
    if config.refused:
        return _unreadable("ConfigMap kube-system/cilium-config", config)
    if config.body is None:
        return _unknown(say("there is an API of Cilium's, but no ConfigMap kube-system/cilium-config"))
    return Plane("cilium", str((config.body.get("data") or {}).get("kube-proxy-replacement") or "false").lower())


def calico(felix: Answer, information: Answer) -> Plane:
    """The data plane where a group of Calico is served, by its FelixConfiguration and ClusterInformation, both named
    `default`. What is absent is as Calico's own defaults have it: without eBPF."""
    if felix.refused:
        return _unreadable("FelixConfiguration default", felix)
    if _spec(felix).get("bpfEnabled") is not True:
        return Plane("kube-proxy")
    if information.refused:
        return _unreadable("ClusterInformation default", information)
    version = str(_spec(information).get("calicoVersion") or "")
    if _numbers(version) is None:
        return _unknown(
            say("Calico's eBPF data plane is on, and its version “%(version)s” cannot be read", version=version)
        )
    return Plane("calico-ebpf", version)


def other(name: PlaneName) -> Plane:
    """A data plane that is recognised by its API group alone, one of OTHERS."""
    return Plane(name, why=_UNREAD.get(name))


_UNREAD = {
    "kube-ovn": say(
        "Kube-OVN is installed; unless that is turned off (ENABLE_LB) it carries what pods send to Services, and "
        "ignores hints for nodes"
    ),
    "antrea": say(
        "Antrea is installed; unless that is turned off (antreaProxy) it carries what pods send to Services, and "
        "ignores hints for nodes before v2.5"
    ),
}


def _spec(answer: Answer) -> Mapping[str, Any]:
    return (answer.body or {}).get("spec") or {}


def _numbers(version: str) -> tuple[int, ...] | None:
    found = re.match(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})", version)
    return tuple(int(each) for each in found.groups()) if found else None


def _unreadable(what: str, answer: Answer) -> Plane:
    return _unknown(say("%(object)s cannot be read (%(said)s)", object=what, said=answer.refused))


def _unknown(why: Sentence) -> Plane:
    return Plane("unknown", why=why)


def keeping(plane: Plane | None, trial: Trial | None, nodes: int, obeying: int, unseen: int = 0) -> Keeping:
    """What can be kept by the last look (None: nobody looked yet), with so many nodes of which so many have a
    kube-proxy that obeys hints for nodes, and on so many no kube-proxy was seen while on others it was.

    What speaks against it forbids the modes. What is not known forbids and opens nothing, but where the data plane is
    not known nothing is claimed of where traffic goes.
    """
    passing = _passes(plane) if plane else None
    against = [each for each in (passing, _dropped(trial), _too_old(nodes, obeying)) if each]
    open_questions = list(_not_known(plane, trial))
    doubt = passing or (open_questions[0] if plane and plane.why else None)
    kept = False if against else True if plane and trial and not open_questions else None
    some = (*_some_too_old(nodes, obeying), *_some_unseen(nodes, unseen))
    can = Capabilities(
        not against,
        against[0] if against else None,
        doubt,
        _past_the_filter(plane) or doubt,
        everywhere=obeying >= nodes and not unseen and (plane is None or plane.name not in _UNREAD),
    )
    return Keeping(kept, (*against, *open_questions, *_notes(plane, passing), *some), can)


def _passes(plane: Plane) -> Sentence | None:
    """Why a data plane passes hints for nodes by, or None."""
    if plane.name == "cilium" and plane.setting in _REPLACES:
        return say("Cilium carries the traffic to Services in the place of kube-proxy, and ignores hints for nodes")
    if plane.name == "cilium":
        return say(
            "Cilium carries what pods send to Services, even beside kube-proxy, and ignores hints for nodes; only the "
            "calls of nodes themselves would stay within their NodeUnit"
        )
    if plane.name == "ovn-kubernetes":
        return say(
            "OVN-Kubernetes carries the traffic to Services in the place of kube-proxy, and ignores hints for nodes"
        )
    if plane.name == "calico-ebpf" and (_numbers(plane.setting) or ()) < _CALICO_SINCE:
        return say(
            "Calico's eBPF data plane carries the traffic to Services, and ignores hints for nodes before v%(since)s; "
            "it is %(version)s",
            since=".".join(map(str, _CALICO_SINCE)),
            version=plane.setting,
        )
    return None


def _dropped(trial: Trial | None) -> Sentence | None:
    if trial is None or trial.kept is not False:
        return None
    if trial.said:
        return say("the API server refuses hints for nodes: %(said)s", said=trial.said)
    return say("the API server drops hints for nodes: a dry run came back without them")


def _too_old(nodes: int, obeying: int) -> Sentence | None:
    """A kubelet is never newer than its API server, so one node that obeys hints shows that the cluster can; older
    nodes beside it are named by the proof of each Service. Without any node nothing can leak, and nothing is opened
    only because nodes went away."""
    if obeying or not nodes:
        return None
    since = ".".join(map(str, SINCE))
    return say(
        "none of the cluster's %(nodes)s nodes is of version %(since)s or later, which obey hints for nodes",
        nodes=nodes,
        since=since,
    )


def _some_too_old(nodes: int, obeying: int) -> Iterator[Sentence]:
    if 0 < obeying < nodes:
        yield say(
            "%(old)s of the cluster's %(nodes)s nodes do not obey hints for nodes (kube-proxy before %(since)s, or "
            "Windows): a Service is strict only where that is asked for, and its page says what those nodes do",
            old=nodes - obeying,
            nodes=nodes,
            since=".".join(map(str, SINCE)),
        )


def _some_unseen(nodes: int, unseen: int) -> Iterator[Sentence]:
    if unseen:
        yield say(
            "no kube-proxy was seen on %(unseen)s of the cluster's %(nodes)s nodes, while others have one: what "
            "carries their traffic is not known, and a Service is strict only where that is asked for",
            unseen=unseen,
            nodes=nodes,
        )


def _not_known(plane: Plane | None, trial: Trial | None) -> Iterator[Sentence]:
    if plane and plane.why:
        yield say("what carries the traffic to Services is unknown: %(why)s", why=plane.why)
    if trial and trial.kept is None:
        yield say("whether the API server keeps hints for nodes is unknown: %(said)s", said=trial.said)


def _notes(plane: Plane | None, passing: Sentence | None) -> Iterator[Sentence]:
    if plane and plane.name == "calico-ebpf" and not passing:
        yield say(
            "Calico's eBPF data plane carries the traffic to Services; it obeys hints for nodes by its published rule, "
            "which was not tried with the portal, nor how soon a call is refused"
        )


def _past_the_filter(plane: Plane | None) -> Sentence | None:
    """Why SuperEdge's filter, which stands before kube-proxy, keeps nothing, or None."""
    names = {"cilium": "Cilium", "calico-ebpf": "Calico", "ovn-kubernetes": "OVN-Kubernetes"}
    if plane is None or plane.name not in names:
        return None
    return say(
        "SuperEdge's filter on the nodes changes what kube-proxy sees; here %(plane)s carries the traffic to Services",
        plane=names[plane.name],
    )

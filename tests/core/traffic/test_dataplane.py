"""What the cluster can keep: by its data plane, by a dry run, by the versions of its nodes."""

from dataclasses import replace

import pytest

from sgportal.core.traffic.closure import MODES, SLICE_MODES, Closure, chosen, refusal
from sgportal.core.traffic.dataplane import (
    Answer,
    Plane,
    Trial,
    calico,
    cilium,
    groups_refused,
    keeping,
    other,
    survived,
    trial_slice,
)
from sgportal.core.traffic.proof.proof import BY_FILTER

from ..builders import frozen

PROXY = Plane("kube-proxy")
KEPT = Trial(True)
REPLACED = "Cilium carries the traffic to Services in the place of kube-proxy, and ignores hints for nodes"
BESIDE = "Cilium carries what pods send to Services, even beside kube-proxy"
FORBIDDEN = Answer(refused="configmaps is forbidden")


def config(**data):
    return Answer({"data": {key.replace("_", "-"): value for key, value in data.items()}})


def spec(**fields):
    return Answer({"spec": fields})


BPF = spec(bpfEnabled=True)


@pytest.mark.parametrize(
    ("plane", "name", "setting", "why"),
    [
        (cilium(config(kube_proxy_replacement="true")), "cilium", "true", ""),
        (cilium(config(kube_proxy_replacement="Strict")), "cilium", "strict", ""),
        (cilium(config(kube_proxy_replacement="false")), "cilium", "false", ""),
        (cilium(config()), "cilium", "false", ""),
        (cilium(Answer({})), "cilium", "false", ""),
        (cilium(Answer()), "unknown", "", "there is an API of Cilium's, but no ConfigMap kube-system/cilium-config"),
        (
            cilium(FORBIDDEN),
            "unknown",
            "",
            "ConfigMap kube-system/cilium-config cannot be read (configmaps is forbidden)",
        ),
        (calico(BPF, spec(calicoVersion="v3.32.1")), "calico-ebpf", "v3.32.1", ""),
        (calico(spec(bpfEnabled=False), Answer()), "kube-proxy", "", ""),
        (calico(spec(bpfEnabled="true"), Answer()), "kube-proxy", "", ""),
        (calico(Answer({}), FORBIDDEN), "kube-proxy", "", ""),
        (calico(Answer(), Answer()), "kube-proxy", "", ""),
        (calico(Answer(refused="no"), Answer()), "unknown", "", "FelixConfiguration default cannot be read (no)"),
        (calico(BPF, Answer(refused="no")), "unknown", "", "ClusterInformation default cannot be read (no)"),
        (
            calico(BPF, spec(calicoVersion="master")),
            "unknown",
            "",
            "Calico's eBPF data plane is on, and its version “master” cannot be read",
        ),
        (
            calico(BPF, Answer()),
            "unknown",
            "",
            "Calico's eBPF data plane is on, and its version “” cannot be read",
        ),
        (other("ovn-kubernetes"), "ovn-kubernetes", "", ""),
        (
            other("kube-ovn"),
            "kube-ovn",
            "",
            "Kube-OVN is installed; unless that is turned off (ENABLE_LB) it carries what pods send to Services, and "
            "ignores hints for nodes",
        ),
        (groups_refused("no"), "unknown", "", "the API groups cannot be listed (no)"),
    ],
)
def test_the_data_plane_by_what_was_read(plane, name, setting, why):
    assert (plane.name, plane.setting, str(plane.why or "")) == (name, setting, why)


def test_hints_survive_where_the_answer_has_them_all():
    sent = frozen(trial_slice("default"))
    assert survived(sent, {**sent, "metadata": {"name": "x"}}) == Trial(True)
    (endpoint,) = sent["endpoints"]
    for hints in (None, {}, {"forZones": [{"name": ""}]}, {"forNodes": endpoint["hints"]["forNodes"]}):
        assert survived(sent, {"endpoints": [{**endpoint, "hints": hints}]}) == Trial(False)
    assert survived(sent, {"endpoints": None}) == Trial(False)


def told(plane, trial=KEPT, nodes=3, obeying=3):
    found = keeping(plane, trial, nodes, obeying)
    return found.kept, found.can.strict, [str(each) for each in found.sentences]


@pytest.mark.parametrize(
    ("plane", "trial", "nodes", "obeying", "kept", "strict", "words"),
    [
        (PROXY, KEPT, 3, 3, True, True, []),
        (PROXY, KEPT, 3, 1, True, True, ["2 of the cluster's 3 nodes do not obey hints for nodes"]),
        (PROXY, KEPT, 0, 0, True, True, []),
        (None, None, 3, 3, None, True, []),
        (None, None, 3, 0, False, False, ["none of the cluster's 3 nodes is of version 1.34 or later"]),
        (PROXY, KEPT, 3, 0, False, False, ["none of the cluster's 3 nodes is of version 1.34 or later"]),
        (PROXY, Trial(False), 3, 3, False, False, ["the API server drops hints for nodes"]),
        (PROXY, Trial(False, "unknown field"), 3, 3, False, False, ["refuses hints for nodes: unknown field"]),
        (
            PROXY,
            Trial(None, "quota"),
            3,
            3,
            None,
            True,
            ["whether the API server keeps hints for nodes is unknown: quota"],
        ),
        (Plane("cilium", "true"), KEPT, 3, 3, False, False, [REPLACED]),
        (Plane("cilium", "partial"), KEPT, 0, 0, False, False, [REPLACED]),
        (Plane("cilium", "false"), KEPT, 3, 3, False, False, [BESIDE]),
        (Plane("cilium", "disabled"), KEPT, 3, 3, False, False, [BESIDE]),
        (Plane("calico-ebpf", "v3.32.0"), KEPT, 3, 3, True, True, ["by its published rule"]),
        (Plane("calico-ebpf", "v3.33.0-0.dev"), KEPT, 3, 3, True, True, ["by its published rule"]),
        (Plane("calico-ebpf", "v3.31.7"), KEPT, 3, 3, False, False, ["before v3.32.0; it is v3.31.7"]),
        (Plane("calico-ebpf", "v3.30.7"), KEPT, 3, 3, False, False, ["before v3.32.0; it is v3.30.7"]),
        (groups_refused("no"), KEPT, 3, 3, None, True, ["what carries the traffic to Services is unknown"]),
        (other("ovn-kubernetes"), KEPT, 3, 3, False, False, ["OVN-Kubernetes carries the traffic to Services"]),
        (other("kube-ovn"), KEPT, 3, 3, None, True, ["unknown: Kube-OVN is installed"]),
        (other("antrea"), KEPT, 3, 3, None, True, ["unknown: Antrea is installed"]),
        (
            Plane("cilium", "true"),
            Trial(False),
            3,
            0,
            False,
            False,
            [REPLACED, "the API server drops hints for nodes", "none of the cluster's 3 nodes"],
        ),
        (
            groups_refused("no"),
            Trial(False),
            3,
            3,
            False,
            False,
            ["the API server drops", "what carries the traffic to Services is unknown"],
        ),
    ],
)
def test_what_can_be_kept(plane, trial, nodes, obeying, kept, strict, words):
    found = told(plane, trial, nodes, obeying)
    assert found[:2] == (kept, strict)
    assert len(found[2]) == len(words)
    for sentence, word in zip(found[2], words, strict=True):
        assert word in sentence


@pytest.mark.parametrize(
    ("plane", "manages_slices", "wrapper"),
    [
        (None, "", ""),
        (PROXY, "", ""),
        (Plane("cilium", "true"), REPLACED, "here Cilium carries the traffic"),
        (Plane("cilium", "false"), BESIDE, "here Cilium carries the traffic"),
        (Plane("calico-ebpf", "v3.30.7"), "before v3.32.0", "here Calico carries the traffic"),
        (Plane("calico-ebpf", "v3.32.0"), "", "here Calico carries the traffic"),
        (other("ovn-kubernetes"), "OVN-Kubernetes carries", "here OVN-Kubernetes carries"),
        (other("kube-ovn"), "Kube-OVN is installed", "Kube-OVN is installed"),
        (groups_refused("no"), "what carries", "what carries"),
    ],
)
def test_what_is_not_known_of_each_mode(plane, manages_slices, wrapper):
    can = keeping(plane, KEPT, 3, 3).can
    for mode in MODES:
        wanted = manages_slices if mode in SLICE_MODES else wrapper if mode == "wrapper" else ""
        said = str(can.doubt(mode) or "")
        assert wanted in said
        assert bool(wanted) == bool(said)
    assert str(BY_FILTER) != wrapper


def test_a_trial_alone_casts_no_doubt_on_slices_that_are_there():
    """The proof reads what the slices say; where hints were dropped it shows the leak."""
    assert keeping(PROXY, Trial(False), 3, 3).can.doubt("strict") is None


@pytest.mark.parametrize(("nodes", "obeying", "everywhere"), [(3, 3, True), (3, 2, False), (3, 0, False), (0, 0, True)])
def test_strict_unasked_only_where_every_node_obeys(nodes, obeying, everywhere):
    can = keeping(PROXY, KEPT, nodes, obeying).can
    assert can.everywhere == everywhere
    assert chosen(None, {}, can).mode == ("strict" if everywhere else "wrapper")
    assert chosen(Closure("strict"), {}, can).mode == "strict"
    assert chosen(None, {}, replace(can, held=True)).mode == "strict"  # what is closed stays closed


@pytest.mark.parametrize("name", ["kube-ovn", "antrea"])
def test_where_another_data_plane_may_pass_hints_by_strict_is_asked_for(name):
    can = keeping(other(name), KEPT, 3, 3).can
    assert chosen(None, {}, can).mode == "wrapper"
    assert (chosen(Closure("strict"), {}, can).mode, refusal(Closure("strict"), can)) == ("strict", None)

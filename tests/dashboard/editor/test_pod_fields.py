"""Volumes, mounts, tolerations and probes in a form's lines, and the containers of a pod one by one."""

from copy import deepcopy

import pytest

from sgportal.core.documents import read_document, write_document
from sgportal.core.text import Invalid
from sgportal.dashboard.editor.form import parts_of
from sgportal.dashboard.editor.pod_codecs import MOUNTS, PROBE, TOLERATIONS, VOLUMES
from sgportal.dashboard.editor.subject import blank

from .filling import filled

LINES = [
    (VOLUMES, "tmp emptyDir", {"name": "tmp", "emptyDir": {}}),
    (VOLUMES, "conf configMap shop", {"name": "conf", "configMap": {"name": "shop"}}),
    (VOLUMES, "key secret tls", {"name": "key", "secret": {"secretName": "tls"}}),
    (VOLUMES, "data persistentVolumeClaim d0", {"name": "data", "persistentVolumeClaim": {"claimName": "d0"}}),
    (VOLUMES, "log hostPath /var/log", {"name": "log", "hostPath": {"path": "/var/log"}}),
    (MOUNTS, "/etc/shop conf ro", {"name": "conf", "mountPath": "/etc/shop", "readOnly": True}),
    (MOUNTS, "/tmp tmp", {"name": "tmp", "mountPath": "/tmp"}),
    (TOLERATIONS, "*", {"operator": "Exists"}),
    (TOLERATIONS, "a=b:NoSchedule", {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}),
    (TOLERATIONS, "a:NoExecute", {"key": "a", "operator": "Exists", "effect": "NoExecute"}),
    (
        TOLERATIONS,
        "node.kubernetes.io/unreachable:NoExecute for 60s",
        {
            "key": "node.kubernetes.io/unreachable",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 60,
        },
    ),
]
PROBES = [
    ("http 8080 /healthz", {"httpGet": {"path": "/healthz", "port": 8080}}),
    ("https web", {"httpGet": {"port": "web", "scheme": "HTTPS"}}),
    (
        "tcp 5432 after 5 every 10 timeout 2 successes 1 failures 3",
        {
            "tcpSocket": {"port": 5432},
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
            "timeoutSeconds": 2,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
    ),
    ("grpc 9000", {"grpc": {"port": 9000}}),
    ("exec sh -c 'test -f /a b'", {"exec": {"command": ["sh", "-c", "test -f /a b"]}}),
]


@pytest.mark.parametrize(("shape", "line", "entry"), LINES)
def test_a_line_is_an_entry_and_an_entry_a_line(shape, line, entry):
    assert shape.parsed(line, None) == [entry]
    assert shape.shown([entry]) == line
    assert shape.parsed("", [entry]) is None


@pytest.mark.parametrize(("text", "probe"), PROBES)
def test_a_text_is_a_probe_and_a_probe_a_text(text, probe):
    assert PROBE.parsed(text, None) == probe
    assert PROBE.shown(probe) == text
    assert PROBE.parsed("", probe) is None


NO_LINES = [
    (VOLUMES, {"name": "x", "emptyDir": {"medium": "Memory"}}),
    (VOLUMES, {"name": "x", "configMap": {"name": "c", "optional": True}}),
    (VOLUMES, {"name": "x", "projected": {"sources": []}}),
    (VOLUMES, {"name": "a b", "emptyDir": {}}),
    (MOUNTS, {"name": "x", "mountPath": "/a", "subPath": "b"}),
    (TOLERATIONS, {"key": "a", "operator": "Gt", "value": "1"}),
    (TOLERATIONS, 7),
    (VOLUMES, {"name": 7, "configMap": []}),
]


@pytest.mark.parametrize(("shape", "entry"), NO_LINES)
def test_what_fits_no_line_is_not_shown_and_stays(shape, entry):
    line, other = next((line, other) for each, line, other in LINES if each is shape)
    assert shape.shown([entry, other]) == line
    assert shape.parsed("", [entry]) == [entry]
    assert shape.parsed(line, [entry, other]) == [other, entry]


def test_what_was_not_touched_stays_as_it_was_written():
    old = [{"key": "a", "value": "b"}, {"key": "c", "operator": "Exists"}]
    assert TOLERATIONS.shown(old) == "a=b\nc"
    assert TOLERATIONS.parsed("a=b\nd", old) == [old[0], {"key": "d", "operator": "Exists"}]


NO_TEXTS = [{"httpGet": {"port": 1, "host": "x"}}, {"tcpSocket": []}, [], 7, {}, {"exec": {}}]
NO_TEXTS += [{"exec": {"command": ["sh", "-c", f"a{end}b"]}} for end in ("\n", "\r", "\r\n")]


@pytest.mark.parametrize("probe", NO_TEXTS)
def test_a_probe_that_fits_no_text_is_not_shown(probe):
    assert PROBE.shown(probe) == ""


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}, "http 80 /"),
        ({"grpc": {"port": 80, "service": ""}}, "grpc 80"),
        ({"httpGet": {"port": 80, "scheme": "HTTPS", "host": ""}, "periodSeconds": 5}, "https 80 every 5"),
    ],
)
def test_what_kubernetes_takes_anyway_may_be_written_out(probe, text):
    assert PROBE.shown(probe) == text


def test_a_script_of_several_lines_outlives_a_form_that_a_browser_sends():
    """A field of one line, from which a browser takes the line ends out."""
    manifest = blank("DeploymentGrid", "zone")
    containers_of(manifest)[0]["livenessProbe"] = {"exec": {"command": ["sh", "-c", "test -f /a\ntest -f /b"]}}
    (part,) = parts_of(manifest)
    sent = {field.name: field.shown_in(manifest) for field in part.fields}
    sent |= {field.name: sent[field.name].replace("\n", "") for field in part.fields if field.lines == 1}
    assert filled(manifest, sent) == manifest


WRONG = [
    ("volumes", "a"),
    ("volumes", "a nfs b"),
    ("volumes", "a emptyDir b"),
    ("mounts", "etc conf"),
    ("mounts", "/etc conf rw"),
    ("tolerations", "a=b:Never"),
    ("tolerations", "*=b"),
    ("tolerations", "a for ever"),
    ("readiness", "http"),
    ("readiness", "ftp 21"),
    ("readiness", "http 80 / every"),
    ("readiness", "tcp 80 every often"),
    ("readiness", "exec"),
    ("readiness", "exec 'open"),
    ("readiness", "http 80 every 5 5"),
]


@pytest.mark.parametrize(("name", "text"), WRONG)
def test_a_line_that_cannot_be_read_is_refused_with_its_field(name, text):
    manifest = blank("DeploymentGrid", "zone")
    with pytest.raises(Invalid) as caught:
        filled(manifest, {name: text})
    field = next(each for part in parts_of(manifest) for each in part.fields if each.name == name)
    assert [each.pointer for each in caught.value.problems] == [field.pointer]


def containers_of(manifest):
    return manifest["spec"]["template"]["template"]["spec"]["containers"]


def test_each_container_has_its_fields():
    manifest = blank("StatefulSetGrid", "zone")
    containers_of(manifest).append({"name": "log", "image": "fluent:1", "stdin": True})
    before = deepcopy(manifest)
    after = filled(manifest, {"c1-image": "fluent:2", "c1-readiness": "tcp 24224", "image": "shop:1"})
    assert containers_of(after)[1] == {
        "name": "log",
        "image": "fluent:2",
        "stdin": True,
        "readinessProbe": {"tcpSocket": {"port": 24224}},
    }
    assert containers_of(after)[0]["image"] == "shop:1"
    assert manifest == before


def test_containers_of_pooled_templates_of_a_member_keep_apart():
    grid = blank("DeploymentGrid", "zone")
    template = grid["spec"].pop("template")
    template["template"]["spec"]["containers"].append({"name": "log", "image": "fluent:1"})
    grid["spec"]["templatePool"] = {"a": template, "b": deepcopy(template)}
    package = {"kind": "ServiceGroup", "spec": {"grids": [grid]}}
    after = filled(package, {"0-t1-c1-image": "fluent:2"})
    pool = after["spec"]["grids"][0]["spec"]["templatePool"]
    images = [[each["image"] for each in pool[name]["template"]["spec"]["containers"]] for name in "ab"]
    assert images == [["", "fluent:1"], ["", "fluent:2"]]


def press(operator, step, manifest):
    answer = operator.post("/grids/new/", {"mode": "form", "document": write_document(manifest), "step": step})
    return answer, read_document(answer.context["draft"].text.encode())


def test_a_container_is_added_and_removed_in_the_form(operator):
    answer, more = press(operator, "container-add:0", blank("DeploymentGrid", "zone"))
    assert [each["name"] for each in containers_of(more)] == ["main", "container-2"]
    assert 'name="f-c1-image"' in answer.text
    assert 'value="container-drop:1"' in answer.text
    _, less = press(operator, "container-drop:1", more)
    assert [each["name"] for each in containers_of(less)] == ["main"]


@pytest.mark.parametrize("step", ["container-drop:0", "container-drop:9", "container-add:x", "container-add:99999999"])
def test_a_container_that_is_not_there_is_not_removed(operator, step):
    manifest = blank("DeploymentGrid", "zone")
    assert press(operator, step, manifest)[1] == manifest

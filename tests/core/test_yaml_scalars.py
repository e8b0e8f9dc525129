"""Plain scalars: what kubectl makes of them, and what we do."""

import json
import subprocess

import pytest
import yaml

from sgportal.core.documents import read_document, write_document
from sgportal.core.text import Invalid

READ = {
    "12:30": "12:30",
    "12:30:45": "12:30:45",
    "190:20:30.15": "190:20:30.15",
    "1e3": 1000,
    "1.5e3": 1500,
    "1e3_0": 1e30,
    "1.0": 1,
    "5.": 5,
    "-.5": -0.5,
    "0.1e-3": 0.0001,
    "0x1F": 31,
    "-0X1f": -31,
    "0b11": 3,
    "017": 15,
    "-0o17": -15,
    "0o8": "0o8",
    "08": 8,
    "09.5": 9.5,
    "00": 0,
    "-0": 0,
    "1_000": 1000,
    "1_": 1,
    "_1": "_1",
    "0x": "0x",
    "y": True,
    "Off": False,
    "yEs": "yEs",
    "~": None,
    "NULL": None,
    "=": "=",
    "2020-01-01": "2020-01-01",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
}
MANIFEST = "apiVersion: superedge.io/v1\nkind: DeploymentGrid\nmetadata: {name: a}\nvalue: %s\n"


@pytest.mark.parametrize(("text", "value"), READ.items())
def test_a_scalar_is_read_as_kubernetes_reads_it(text, value):
    found = read_document((MANIFEST % text).encode())["value"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.kubectl
@pytest.mark.parametrize("text", READ)
def test_kubectl_reads_it_the_same(text):
    command = ["kubectl", "annotate", "--local", "-o", "json", "-f", "-", "a=b"]
    done = subprocess.run(command, input=MANIFEST % text, capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout).get("value") == READ[text]


@pytest.mark.parametrize(
    "text", [".inf", ".NaN", "1e400", "!!bool x", "!!int x", "!!float x", "!!set {a}", "!!binary eA=="]
)
def test_what_json_does_not_have_is_refused(text):
    with pytest.raises(Invalid):
        read_document((MANIFEST % text).encode())


@pytest.mark.parametrize("text", [*READ, "\x85", "a\x85b", "a\u2028\u2029b\r\nc", "\t", "- a", "#", "‮"])
def test_text_that_looks_like_something_else_is_written_so_that_every_reader_has_text(text):
    written = write_document({"value": text})
    assert read_document(written.encode()) == {"value": text} == yaml.safe_load(written)

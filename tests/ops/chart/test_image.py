"""What is in the image, where one was built (scripts/image.sh root, .ci/run). That its processes run, as its user and
with a read-only root, is tried with the chart (test_installed)."""

import json
import os
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.house.tree import ROOT

IMAGE = Path(os.environ.get("SGPORTAL_IMAGE_ROOT") or "/nonexistent")
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="no image was built (scripts/image.sh root)")


def packages() -> Path:
    (found,) = IMAGE.glob("opt/portal/lib/python3*/site-packages")
    return found


def test_its_bill_of_materials_names_what_is_installed_and_nothing_else():
    listed = json.loads((IMAGE / "app" / "sbom.cdx.json").read_text())["components"]
    read = [HeaderParser().parsestr(each.read_text()) for each in packages().glob("*.dist-info/METADATA")]
    assert {(each["name"].lower(), each["version"]) for each in listed} == {
        (each["Name"].lower(), each["Version"]) for each in read
    }
    assert "django" in {each["name"].lower() for each in listed}


def test_it_adds_a_quarter_of_a_gigabyte_to_its_base_at_most():
    added = [path for top in ("opt", "app") for path in (IMAGE / top).rglob("*") if path.is_file()]
    assert sum(path.lstat().st_size for path in added) <= 250_000_000


def test_its_static_files_are_gathered_and_its_sentences_compiled():
    gathered = IMAGE / "app" / "staticfiles"
    paths = json.loads((gathered / "staticfiles.json").read_text())["paths"]
    assert paths
    assert [each for each in paths.values() if not (gathered / each).is_file()] == []
    sources = (ROOT / "sgportal" / "locale").rglob("*.po")
    assert all((IMAGE / "app" / each.relative_to(ROOT).with_suffix(".mo")).is_file() for each in sources)


def test_nothing_in_it_installs_or_builds():
    programs = {each.name for each in (IMAGE / "opt" / "portal" / "bin").iterdir()}
    assert programs & {"pip", "pip3", "uv", "cyclonedx-py"} == set()
    assert {each.name for each in (IMAGE / "opt").iterdir()} == {"portal"}

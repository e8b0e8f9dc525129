"""The wheel serves by itself: pages, static files, translations are in it, and what it keeps is where it is started."""

import shutil
import subprocess
import sys
import urllib.request
import zipfile

import pytest

from tests.house.tree import ROOT

from . import demos

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NEEDED = ("sgportal", "embedded_cluster", "templates", "static")


@pytest.fixture
def installed(tmp_path):
    """A folder in which nothing is but what the wheel installs."""
    source, unpacked = tmp_path / "source", tmp_path / "site-packages"
    source.mkdir()
    for name in NEEDED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_a_wheel_installs_a_command_and_serves(installed, tmp_path):
    assert "sgportal = sgportal.__main__:main" in next(installed.glob("*.dist-info/entry_points.txt")).read_text()
    for folder in ("templates", "static"):
        there = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {path for path in there if not (installed / "sgportal/assets" / folder / path).is_file()} == set()
    work = tmp_path / "work"
    work.mkdir()
    variables = demos.environment(work / "unused", PYTHONPATH=str(installed))
    del variables["SGPORTAL_DEMO_DIR"]
    demo = demos.launch(variables, [sys.executable, "-m", "sgportal", "demo"], work)
    try:
        assert demo.kubeconfig == work / ".demo/kubeconfig"
        asked = urllib.request.Request(f"{demo.url}/login/", headers={"Accept-Language": "zh-CN"})
        page = urllib.request.urlopen(asked, timeout=75).read().decode()
        assert "登录" in page
        assert urllib.request.urlopen(f"{demo.url}/static/sgportal.css", timeout=75).status == 200
        assert len(demo.door.get("nodes")["items"]) == 3
    finally:
        demo.stop()
    assert list(work.iterdir()) == [work / ".demo"]

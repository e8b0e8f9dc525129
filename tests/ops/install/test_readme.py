"""The commands of the README, run as a reader copies them. Both READMEs hold the same ones (tests/house)."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.house.tree import ROOT, text
from tests.services import wait_for

from ..access import walk
from . import demos

pytestmark = pytest.mark.timeout(300)
BLOCKS = re.findall(r"^```sh\n(.*?)^```", text("README.md"), re.M | re.S)
READY = {"nodeunit1": (2, 2), "nodeunit2": (2, 2)}


def the_block(sign: str) -> str:
    """The one block with this sign in it."""
    found = [each for each in BLOCKS if sign in each]
    assert len(found) == 1, f"{len(found)} blocks with {sign}"
    return found[0]


def shell(script: str, home: Path, folder: Path = ROOT) -> str:
    """What a shell prints that ends with the first command that fails."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def put(script: str, told: str, so: str) -> str:
    """The script with what the reader is to fill in."""
    assert told in script
    return script.replace(told, so)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with demos.running(tmp_path_factory.mktemp("readme") / "state") as started:
        yield started


def test_no_block_is_left_out():
    signs = ("make demo", "post deploymentgrids", "kubectl label", "docker compose")
    assert len(BLOCKS) == len(signs)
    for sign in signs:
        the_block(sign)


@pytest.mark.parametrize(("target", "runs"), [("demo", "manage.py demo"), ("test", "-m pytest")])
def test_the_two_commands_are_targets_that_run_the_product(target, runs, tmp_path):
    assert f"make {target} " in the_block("make demo")
    assert runs in shell(f"make --dry-run {target}", tmp_path)


def test_the_walk_through_over_rest_as_it_is_printed(demo, tmp_path):
    script = put(put(the_block("post deploymentgrids"), "TOKEN=…", f"TOKEN={demo.door.token}"), *address(demo))
    assert '"deploymentgrid-demo"' in shell(script, tmp_path)
    wait_for(lambda: walk.ready_units(demo.door) == READY, 75, "2/2 in both sites")
    walk.check_endpoints(demo.door)
    walk.tidy(demo.door)


def address(demo) -> tuple[str, str]:
    return "http://127.0.0.1:8000", demo.url


@pytest.mark.kubectl
def test_the_walk_through_with_kubectl_as_it_is_printed(demo, tmp_path):
    script = put(the_block("kubectl label"), "$PWD/.demo/kubeconfig", str(demo.kubeconfig))
    shown = shell(script, tmp_path)
    assert "deploymentgrid.superedge.io/deploymentgrid-demo" in shown
    wait_for(lambda: walk.ready_units(demo.door) == READY, 75, "2/2 in both sites")
    walk.check_endpoints(demo.door)
    walk.tidy(demo.door)


@pytest.mark.kubectl
@pytest.mark.parametrize("path", ["deploy/rbac.yaml", "deploy/crds.yaml"])
def test_the_manifests_for_production_are_taken(demo, tmp_path, path):
    """What the chapter on production has the reader apply, but for the policies: the demo's cluster has no such kind
    (test_rbac.py applies all of it to a real API server)."""
    assert f"]({path})" in text("README.md")
    found = [each for each in yaml.safe_load_all(text(path)) if not each["kind"].startswith("ValidatingAdmission")]
    (tmp_path / "found.yaml").write_text(yaml.safe_dump_all(found))
    shown = shell(f"kubectl --kubeconfig {demo.kubeconfig} apply --dry-run=client -f found.yaml", tmp_path, tmp_path)
    assert shown.count("(dry run)") == len(found)


def test_the_env_file_is_all_that_the_compose_file_asks_for(tmp_path):
    """The part that a container engine is not needed for; the commands of its services run in test_compose.py."""
    block = the_block("docker compose")
    make_file, _, rest = block.partition("END\nsudo")
    shell(f"{make_file}END\n", tmp_path, tmp_path)
    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    assert all(made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert len(made["SECRET_KEY"]) >= 50
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text("docker-compose.yml")))
    assert asked - made.keys() == set()
    known = set(re.findall(r"\$\{([A-Z_]+)", text("docker-compose.yml")))
    assert made.keys() - known == set()
    assert made["KUBECONFIG_FILE"] in rest
    services = yaml.safe_load(text("docker-compose.yml"))["services"]
    assert set(re.findall(r"compose run --rm (\w+)", rest)) <= services.keys()
    user = re.search(r"-o (\d+)", rest)[1]
    assert f"--uid {user}" in text("Dockerfile")

"""What the documents say is so: settings, links, paths, commands, dependencies."""

import ast
import importlib.metadata
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sgportal.version import VERSION

from .tree import ROOT, files, parsed, text, under

READMES = ("README.md", "README.zh-CN.md")
READERS = {"env_str", "env_int", "env_bool", "env_list", "env_choice"}
# Variables that are not settings of ours: name → why.
NOT_OURS = {"DJANGO_SETTINGS_MODULE": "Django's own", "UVICORN_PORT": "uvicorn's own"}


def environment_names() -> set[str]:
    """Every environment variable that the product reads."""
    found: set[str] = set()
    for path in under("sgportal", suffix=".py"):
        constants = _constants(parsed(path))
        for node in ast.walk(parsed(path)):
            name = _name_read(node)
            if isinstance(name, ast.Constant):
                found.add(name.value)
            elif isinstance(name, ast.Name) and name.id in constants:
                found.add(constants[name.id])
    return {name for name in found - NOT_OURS.keys() if not name.startswith("OTEL_")}  # OpenTelemetry's own


def _constants(module: ast.Module) -> dict[str, str]:
    """The texts that a module gives a name at its top."""
    assigned = [node for node in module.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    return {ast.unparse(node.targets[0]): node.value.value for node in assigned if isinstance(node.value.value, str)}


def _name_read(node: ast.AST) -> ast.expr | None:
    """What names the variable that this piece of code reads, if it reads one."""
    if isinstance(node, ast.Call) and node.args:
        function = ast.unparse(node.func)
        return node.args[0] if function in READERS or function.endswith(("environ.get", "getenv")) else None
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return node.slice if ast.unparse(node.value).endswith("environ") else None
    return None


def documented_names(readme: str) -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", text(readme), re.M))


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_is_in_the_table(readme):
    assert environment_names() - documented_names(readme) == set()


@pytest.mark.parametrize("readme", READMES)
def test_no_setting_in_the_table_is_gone(readme):
    known = environment_names() | {"STRICT", "PYTHON"}
    assert documented_names(readme) - known == set()


@pytest.mark.parametrize("readme", READMES)
def test_the_defaults_in_the_table_are_those_of_the_code(readme):
    """For numbers and switches, whose default is one plain value."""
    told = dict(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| `([^`]*)`", text(readme), re.M))
    used = {}
    for node in ast.walk(parsed(Path("sgportal/settings.py"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("env_int", "env_bool", "env_choice"):
            name, default = (ast.literal_eval(each) for each in node.args[:2])
            used[name] = str(int(default)) if not isinstance(default, str) else default
    assert len(used) > 10
    assert {name: told.get(name) for name in used} == used


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """What a link into a document may name, by the rule of the usual hosts of repositories."""
    titles = re.findall(r"^#+ (.+)$", text(path), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", documents(), ids=str)
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)\s]+)\)", text(path))
    inside = [each.partition("#")[::2] for each in targets if not re.match(r"[a-z]+:", each)]
    assert [name for name, _ in inside if name and not (ROOT / path.parent / name).exists()] == []
    placed = [(path.parent / name if name else path, anchor) for name, anchor in inside if anchor]
    assert [(str(into), anchor) for into, anchor in placed if anchor not in anchors(into)] == []


def test_the_change_map_names_real_places():
    named = re.findall(
        r"`((?:sgportal|tests|templates|static|docs|bench|scripts)/[^`*<]+)`", text("docs/change-map.md")
    )
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_rooms_of_the_architecture_are_there():
    """The first column of the table names modules and packages; a name without a folder is beside the one before it."""
    table = text("docs/architecture.md").partition("| room |")[2].partition("\n\n")[0]
    missing = []
    for row in table.splitlines()[2:]:
        folder = ""
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            path = (name if "/" in name else folder + name).rstrip("/")
            folder = path.rpartition("/")[0] + "/" if "/" in path else ""
            places = [ROOT / top / f"{path}{end}" for top in ("sgportal", "") for end in ("", ".py")]
            missing += [path] if not any(map(Path.exists, places)) else []
    assert missing == []


def test_the_change_map_asks_for_five_places_at_most():
    rows = [row for row in text("docs/change-map.md").splitlines() if row.startswith("| ") and "---" not in row][1:]
    assert [row for row in rows if row.count("`sgportal/") + row.count("`templates/") + row.count("`static/") > 5] == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[\[=<>]", each)[0] for each in wanted}
    explained = set(re.findall(r"^\| `([^`]+)` \|", text("docs/dependencies.md"), re.M))
    assert names - explained == set()
    of_the_site = set(re.findall(r"^([a-z-]+)==", text("requirements/site.txt"), re.M))
    assert explained - names - of_the_site - {"uv"} == set()


# Packages that no module of ours imports: name → where else they are used.
USED_ELSEWHERE = {
    "Babel": ("Makefile", "babel"),
    "psycopg": ("sgportal/env.py", "django.db.backends.postgresql"),
    "httptools": ("docs/dependencies.md", "uvicorn's fast HTTP parser"),
    "tzdata": ("sgportal/core/rollouts/time_zones.py", "zoneinfo"),
    "uvloop": ("docs/dependencies.md", "uvicorn's fast event loop"),
}


def names_used(module: ast.Module) -> Iterator[str]:
    """The first part of every module that is imported, and of every text that looks like the name of one."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Constant) and re.fullmatch(r"[a-z][a-z_.]+", str(node.value)):
            yield str(node.value).partition(".")[0]


def test_every_package_at_run_time_is_used():
    """Imported, or named in the settings (an app, a middleware), or used where the list above says."""

    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>]", name)[0]).lower()  # PEP 503

    used = {name for path in under("sgportal", "embedded_cluster", suffix=".py") for name in names_used(parsed(path))}
    owners = importlib.metadata.packages_distributions()
    provided = {normal(owner) for module in used for owner in owners.get(module, ())}
    wanted = {normal(each): each for each in tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]}
    unused = {re.split(r"[\[=<>]", wanted[each])[0] for each in wanted.keys() - provided}
    assert unused - USED_ELSEWHERE.keys() == set()
    assert [name for name, (where, sign) in USED_ELSEWHERE.items() if sign not in text(where)] == []


def test_the_version_is_that_of_the_changes():
    newest = re.search(r"^## (?!Unreleased)(\S+) \((\d{4}-\d\d-\d\d)\)$", text("CHANGELOG.md"), re.M)
    assert newest
    assert newest[1] == VERSION


def test_the_license_is_the_one_that_is_named():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert "Apache License\n                           Version 2.0, January 2004" in text("LICENSE")
    for readme in READMES:
        assert "Apache-2.0" in text(readme)


@pytest.mark.parametrize("readme", READMES)
def test_the_figures_on_the_first_screen_are_those_of_the_closed_loop(readme):
    first_screen = text(readme).partition("\n```sh")[0]
    results = re.findall(
        r"^\| (?:connections|refused \(units[^|]*) \| ([\d,]+) \| ([\d,]+) \|", text("docs/closed-loop.md"), re.M
    )
    assert len(results) == 2
    assert [each for row in results for each in row if each not in first_screen] == []
    assert "1.34" in first_screen


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_named_exists(readme):
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.M))
    assert set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z]+)", text(readme))) - targets == set()


def test_lock_files_hold_what_the_project_asks_for():
    """Each pinned dependency stands in the lock with hashes, and no lock names a registry."""
    project = tomllib.loads(text("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    for lock, wanted in (
        ("requirements/runtime.txt", project["dependencies"]),
        ("requirements/otel.txt", [*project["dependencies"], *extras["otel"]]),
        ("requirements/dev.txt", [*project["dependencies"], *extras["otel"], *extras["dev"]]),
    ):
        held = text(lock).lower()
        pins = [re.sub(r"\[.*\]", "", each).lower() for each in wanted]
        assert [pin for pin in pins if f"{pin} \\" not in held] == []
        assert "--index-url" not in held
        assert "://" not in held


def test_the_compose_file_keeps_no_secret():
    compose = text("docker-compose.yml")
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert re.search(rf"[: @\"]\$\{{{name}:\?", compose)
    assert yaml.safe_load(compose)["services"].keys() >= {"web", "worker", "watch", "keeper", "postgres", "redis"}


def test_no_secret_file_is_tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert [name for name in listed if re.search(r"(^|/)(\.env|kubeconfig|.*\.pem|.*\.key)$", name)] == []


def test_both_readmes_say_the_same():
    """The same chapters, the same rows in the same tables, the same commands."""

    def shape(readme: str) -> list[str]:
        lines = text(readme).splitlines()
        return [line[:2] for line in lines if line.startswith(("#", "| ", "```"))]

    def commands(readme: str) -> list[str]:
        blocks = re.findall(r"^```sh\n(.*?)^```", text(readme), re.M | re.S)
        return [re.sub(r"\s+#.*", "", line) for block in blocks for line in block.splitlines()]

    assert shape(READMES[0]) == shape(READMES[1])
    assert commands(READMES[0]) == commands(READMES[1])


def test_the_examples_are_what_the_reader_is_told():
    """The README's walk-through names files that are there, and they are what kubectl applies."""
    for name in ("deploymentgrid.yaml", "servicegrid.yaml"):
        assert yaml.safe_load(text(f"docs/examples/{name}"))["apiVersion"] == "superedge.io/v1"
        assert f"docs/examples/{name}" in text("README.md")

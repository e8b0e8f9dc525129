"""The pages of the site that are generated from code: settings, REST, custom resources, metrics."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from prometheus_client.core import Metric

from sgportal.api.probes.metrics import Portal
from sgportal.cluster import ALL_DEFINITIONS
from sgportal.models.scopes.current import everything

ROOT = Path(__file__).parents[1]
METHODS = ("get", "post", "put", "patch", "delete")
SETTINGS = {"": ("README.md", "Settings"), ".zh-CN": ("README.zh-CN.md", "设置")}


def pages() -> Iterator[tuple[str, str]]:
    """`(path within the site, Markdown)` of each page. Needs Django to be set up and a migrated database."""
    for suffix, (readme, title) in SETTINGS.items():
        yield f"reference/settings{suffix}.md", settings(readme, title)
    yield "reference/rest.md", rest(SchemaGenerator().get_schema(request=None, public=True))
    yield "reference/custom-resources.md", custom_resources(ALL_DEFINITIONS)
    with everything():
        yield "reference/metrics.md", metrics(Portal().collect())


def settings(readme: str, title: str) -> str:
    """The chapter on settings of a README, as a page."""
    chapter = re.search(rf"^## {title}\n(.*?)^## ", (ROOT / readme).read_text(), re.M | re.S)
    if not chapter:
        raise ValueError(f"{readme} has no chapter {title}")
    return f"# {title}\n{chapter[1]}"


def rest(schema: Mapping[str, Any]) -> str:
    """A table of the operations of each path's first part."""
    parts: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        part = path.removeprefix("/api/v1/").split("/")[0]
        for method in METHODS:
            if operation := operations.get(method):
                said = operation.get("summary") or operation.get("description", "")
                parameters = ", ".join(
                    f"`{each['name']}`" for each in operation.get("parameters", ()) if each["in"] == "query"
                )
                row = f"| `{method.upper()}` | `{path}` | {_cell(said)} | {parameters} |"
                parts.setdefault(part, []).append(row)
    head = "| | path | what it does | parameters of the query |\n|---|---|---|---|\n"
    chapters = "\n\n".join(f"## {part}\n\n{head}" + "\n".join(rows) for part, rows in sorted(parts.items()))
    return (
        "# REST API\n\nThe portal describes it by itself: `/api/v1/schema` is the OpenAPI document, with every field of"
        f" every request and answer, `/api/docs/` an interactive page.\n\n{chapters}\n"
    )


def custom_resources(definitions: Any) -> str:
    """The fields of each definition."""
    chapters = ["# Custom resources", "`deploy/crds.yaml` is the whole definition."]
    for definition in definitions:
        spec = definition["spec"]
        for version in spec["versions"]:
            chapters.append(f"## {spec['names']['kind']} (`{spec['group']}/{version['name']}`)")
            short = ", ".join(f"`{each}`" for each in spec["names"].get("shortNames", ()))
            chapters.append(f"`kubectl get {spec['names']['plural']}`" + (f", short: {short}." if short else "."))
            rows = "\n".join(_fields(version["schema"]["openAPIV3Schema"], ""))
            chapters.append(f"| field | type | meaning |\n|---|---|---|\n{rows}")
    return "\n\n".join(chapters) + "\n"


def _fields(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """A row for each field that a definition names, the nested ones after the one that holds them."""
    for name, field in schema.get("properties", {}).items():
        if not path and name in ("apiVersion", "kind", "metadata"):
            continue
        place = f"{path}.{name}" if path else name
        inner = field.get("items", {})
        kind = field.get("type", "integer or string" if field.get("x-kubernetes-int-or-string") else "any")
        if kind == "array":
            kind = f"array of {inner.get('type', 'any')}"
        values = ", ".join(f"`{each}`" for each in field.get("enum", ()))
        said = _cell(field.get("description", ""))
        yield f"| `{place}` | {kind} | {said}{' One of ' + values + '.' if values else ''} |"
        yield from _fields(field, place)
        yield from _fields(inner, f"{place}[]")


def metrics(families: Iterable[Metric]) -> str:
    """The families of `/metrics`."""
    rows = []
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append(f"| `{name}` | {family.type} | {_cell(family.documentation)} |")
    table = "\n".join(["| name | type | meaning |", "|---|---|---|", *sorted(rows)])
    return f"# Metrics\n\nWhat `/metrics` answers to Prometheus.\n\n{table}\n"


def _cell(text: str) -> str:
    """A text that fits into a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")

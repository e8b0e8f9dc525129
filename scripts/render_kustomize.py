"""Write deploy/kustomize anew from the chart: `python -m scripts.render_kustomize` (`make kustomize`).

Each of the chart's profiles is rendered by `helm template`. What is the same in all of them is the base, the rest is
an overlay of the profile's name. The settings become a generator, so that changing one begins the pods anew, and an
overlay of your own can merge into them.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
CHART = ROOT / "deploy" / "helm" / "sgportal"
TARGET = ROOT / "deploy" / "kustomize"
NAMESPACE = "sgportal"
Objects = dict[tuple[str, str], dict[str, Any]]
_HEADER = "# Made by `make kustomize` from deploy/helm/sgportal; use an overlay of your own (docs/install/README.md).\n"
_CHECKSUM = "checksum/settings"
_KEEP = "helm.sh/resource-policy"


def profiles() -> list[str]:
    """The names of the chart's profiles."""
    return sorted(path.stem for path in (CHART / "profiles").glob("*.yaml"))


def render(helm: Path, profile: str, *more: str) -> Objects:
    """What `helm template` makes of a profile, by kind and name. Raises ValueError with what helm said."""
    values = ["-f", str(CHART / "profiles" / f"{profile}.yaml"), *more]
    command = [str(helm), "template", "sgportal", str(CHART), "--namespace", NAMESPACE, *values]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr)
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Without what only helm reads."""
    template = body.get("spec", {}).get("template", {}) if body["kind"] == "Deployment" else {}
    for metadata in (body["metadata"], template.get("metadata", {})):
        kept = {name: text for name, text in metadata.get("annotations", {}).items() if name not in (_CHECKSUM, _KEEP)}
        metadata.pop("annotations", None)
        if kept:
            metadata["annotations"] = kept
    return body


def files(helm: Path) -> dict[str, str]:
    """Path below deploy/kustomize → text."""
    rendered = {profile: {key: _plain(body) for key, body in render(helm, profile).items()} for profile in profiles()}
    settings = {profile: objects.pop(("ConfigMap", "sgportal"))["data"] for profile, objects in rendered.items()}
    first = next(iter(rendered.values()))
    shared = {key for key, body in first.items() if all(each.get(key) == body for each in rendered.values())}
    made = {"base/namespace.yaml": _text([_namespace()])}
    made["base/definitions.yaml"] = _text([first[key] for key in sorted(shared) if key[0] == _DEFINITION])
    made["base/resources.yaml"] = _text([first[key] for key in sorted(shared) if key[0] != _DEFINITION])
    names = [name.removeprefix("base/") for name in made]
    made["base/kustomization.yaml"] = _kustomization(resources=names)
    for profile, objects in rendered.items():
        place = f"overlays/{profile}"
        own = [objects[key] for key in sorted(objects.keys() - shared)]
        made[f"{place}/resources.yaml"] = _text(own)
        made[f"{place}/settings.env"] = "".join(f"{name}={text}\n" for name, text in sorted(settings[profile].items()))
        made[f"{place}/kustomization.yaml"] = _kustomization(
            namespace=NAMESPACE,
            resources=["../../base", "resources.yaml"],
            configMapGenerator=[{"name": "sgportal", "envs": ["settings.env"]}],
        )
    return made


_DEFINITION = "CustomResourceDefinition"


def _namespace() -> dict[str, Any]:
    level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": level}}


def _kustomization(**fields: Any) -> str:
    body = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **fields}
    return _text([body])


def _text(bodies: list[dict[str, Any]]) -> str:
    return _HEADER + yaml.safe_dump_all(bodies, sort_keys=False, width=120, allow_unicode=True)


def main(helm: Path) -> None:
    """Write all files, and remove those that are no longer made."""
    made = files(helm)
    for path in TARGET.rglob("*"):
        if path.is_file() and str(path.relative_to(TARGET)) not in made:
            path.unlink()
    for name, text in made.items():
        (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / name).write_text(text)


if __name__ == "__main__":
    from tests.kube.helm import build

    program = build.build()
    if not program:
        sys.exit("helm is not installed, and there is none to fetch for this machine")
    main(program)

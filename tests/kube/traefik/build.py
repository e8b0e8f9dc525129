"""Traefik, compiled once per machine and version, outside the checkout: to see for real what an ingress controller does
with a closed Service. The tests need no certificates of anybody's, so the clients of 190 DNS providers are left out,
which are half of what there is to compile."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .. import binaries

HERE = Path(__file__).parent
_PROGRAM = "github.com/traefik/traefik/v3/cmd/traefik"
_LEGO = "github.com/go-acme/lego/v4"
_NO_PROVIDERS = f"""package dns

import (
	"fmt"

	"{_LEGO}/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {{
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}}
"""


def version() -> str:
    """The version in go.mod, such as `v3.6.12`."""
    return re.search(r"traefik/v3 (v[\d.]+)", (HERE / "go.mod").read_text())[1]


def _folder() -> Path:
    sources = [HERE / "go.mod", HERE / "go.sum", HERE / "build.py"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return binaries.cache().parent / f"traefik-{version()}-{digest}"


def find() -> Path | None:
    """The program, or None where it was not compiled yet."""
    path = _folder() / "traefik"
    return path if os.access(path, os.X_OK) else None


def build() -> Path:
    """Compile it, unless it is there; progress on standard error. The program."""
    if found := find():
        return found
    print(f"Compiling Traefik {version()}; cold, this takes some minutes", file=sys.stderr)
    begun, folder = time.monotonic(), _folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        module = _module(Path(scratch))
        command = ["go", "build", "-trimpath", "-buildvcs=false", f"-modfile={module}", "-ldflags=-s -w"]
        subprocess.run([*command, "-o", str(made / "traefik"), _PROGRAM], cwd=HERE, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    print(f"  compiled in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return folder / "traefik"


def _module(scratch: Path) -> Path:
    """A module file beside a copy of lego that knows no DNS provider."""
    lego = scratch / "lego"
    shutil.copytree(_source(_LEGO), lego, ignore=shutil.ignore_patterns("zz_gen_dns_providers.go", "*_test.go"))
    for path in (lego, lego / "providers" / "dns"):
        path.chmod(0o755)
    (lego / "providers" / "dns" / "none.go").write_text(_NO_PROVIDERS)
    module = scratch / "go.mod"
    shutil.copyfile(HERE / "go.mod", module)
    shutil.copyfile(HERE / "go.sum", scratch / "go.sum")
    subprocess.run(["go", "mod", "edit", f"-replace={_LEGO}={lego}", str(module)], check=True)
    return module


def _source(module: str) -> Path:
    """Where the source of a module is, fetched if need be."""
    wanted = re.search(rf"{re.escape(module)} (v\S+)", (HERE / "go.mod").read_text())[1]
    where = ["go", "mod", "download", "-json", f"{module}@{wanted}"]
    said = subprocess.run(where, cwd=HERE, check=True, capture_output=True, text=True).stdout
    return Path(re.search(r'"Dir": "(.+)"', said)[1])


if __name__ == "__main__":
    print(build())

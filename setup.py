"""What pyproject.toml cannot say of the wheel: templates and static files lie beside the package in a checkout and
within it in a wheel (sgportal/places.py), and catalogs of messages are compiled."""

from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

ASSETS = {"sgportal.assets.templates": "templates", "sgportal.assets.static": "static"}


def packages() -> dict[str, str]:
    """Each folder of assets as a package without code: its name → where it is."""
    found = dict(ASSETS)
    for name, folder in ASSETS.items():
        found |= {f"{name}.{each}": f"{folder}/{each.replace('.', '/')}" for each in find_namespace_packages(folder)}
    return found


class Compiled(build_py):
    """Compile the catalogs first."""

    def run(self) -> None:
        """Build."""
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        for path in Path("sgportal/locale").glob("*/LC_MESSAGES/*.po"):
            with path.open("rb") as source, path.with_suffix(".mo").open("wb") as target:
                write_mo(target, read_po(source))
        super().run()


folders = packages()
setup(
    packages=[*find_namespace_packages(include=["sgportal*", "embedded_cluster*"]), *folders],
    package_dir=folders,
    package_data={
        "sgportal": ["samples/*.yaml", "locale/*/LC_MESSAGES/*.mo"],
        "embedded_cluster": ["README.md", "*/*.json"],
        **{name: ["*"] for name in folders},
    },
    cmdclass={"build_py": Compiled},
)

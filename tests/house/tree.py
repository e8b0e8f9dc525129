"""The project's own files, as git knows them (or would, once they are added)."""

import ast
import gc
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked, or is new and not ignored, relative to the root."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(Path(name) for name in sorted(set(names)) if (ROOT / name).exists())


def under(*tops: str, suffix: str = "") -> list[Path]:
    """The files below these folders with this ending."""
    return [path for path in files() if path.parts[0] in tops and path.name.endswith(suffix)]


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree, built with the garbage collector off: CPython before 3.11.8 counts wrong where a finalizer, in
    the midst of it, lets another thread parse (python/cpython#106905)."""
    gc.disable()
    try:
        return ast.parse(text(path))
    finally:
        gc.enable()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node

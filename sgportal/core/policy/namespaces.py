"""Which namespaces are open to users of the portal: `SGPORTAL_NAMESPACES`, a list of globs.

`*` stands for any characters and `?` for one. A glob with `!` before it closes what it matches, whatever else opens it.
Where no glob opens anything, all namespaces are open but those. `kube-*` and the portal's own namespace are closed
unless a glob names them: `kube-system` or `kube-*`, and the own namespace by its full name; `*` alone does not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

SYSTEM = "kube-"
_GLOB = re.compile(r"!?[a-z0-9?*]([-a-z0-9?*]*[a-z0-9?*])?")


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The globs that open and close, and the portal's `own` namespace."""

    opening: tuple[str, ...] = ("*",)
    closing: tuple[str, ...] = ()
    own: str = ""

    def is_open(self, namespace: str) -> bool:
        """Whether users of the portal may write here."""
        if any(fnmatchcase(namespace, glob) for glob in self.closing):
            return False
        return any(fnmatchcase(namespace, glob) and self._reaches(glob, namespace) for glob in self.opening)

    def _reaches(self, glob: str, namespace: str) -> bool:
        """Whether a glob that matches is meant: a namespace that guards the cluster must be named."""
        if namespace == self.own:
            return glob == namespace
        return not namespace.startswith(SYSTEM) or glob.startswith(SYSTEM)


def read_namespaces(globs: Iterable[str], own: str) -> Namespaces:
    """The namespaces that a list of globs opens. Raises ValueError for a glob that no namespace can match."""
    globs = list(globs)
    for glob in globs:
        if not _GLOB.fullmatch(glob):
            raise ValueError(f"“{glob}” is no namespace, nor a pattern of “*”, “?” and “!”")
    opening = tuple(glob for glob in globs if not glob.startswith("!"))
    closing = tuple(glob[1:] for glob in globs if glob.startswith("!"))
    return Namespaces(opening or ("*",), closing, own)

"""What is used of the `kubernetes` package: configuration, authentication and its pool of connections.

The package's `__init__` modules import a module for every kind and every call of the API, 860 in all, which take 60 MiB
in each process. Here they are put off until somebody asks for one of them.
"""

import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_NAMES = ("kubernetes", "kubernetes.client")


class _PutOff(ModuleType):
    """A package whose `__init__` has not run. It does as soon as something is asked for that is no module in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself asks of any module
            raise AttributeError(name)
        if find_spec(f"{self.__name__}.{name}"):
            return import_module(f"{self.__name__}.{name}")
        run(self)
        return getattr(self, name)


def put_off() -> None:
    """Enter the packages without running their `__init__`, unless somebody has imported them already."""
    if _NAMES[0] in sys.modules:
        return
    for name in _NAMES:
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(name, name=name)
        module = module_from_spec(spec)
        module.__class__ = _PutOff
        sys.modules[name] = module
    client = sys.modules["kubernetes.client"]
    # What modules in the packages import of them by name.
    vars(sys.modules["kubernetes"]).update(client=client, __version__=version("kubernetes"))
    vars(client)["Configuration"] = import_module("kubernetes.client.configuration").Configuration
    vars(client)["ApiClient"] = _api_client


def run(module: ModuleType) -> None:
    """Run the `__init__` that was put off."""
    if isinstance(module, _PutOff) and module.__spec__ and module.__spec__.loader:
        object.__setattr__(module, "__class__", ModuleType)
        module.__spec__.loader.exec_module(module)


def _api_client(*arguments: Any, **options: Any) -> Any:
    """The real one, which an OIDC provider is asked by for another token."""
    client = sys.modules["kubernetes.client"]
    run(client)
    return client.ApiClient(*arguments, **options)


put_off()

from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.rest import RESTClientObject  # noqa: E402
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config  # noqa: E402

__all__ = ["ConfigException", "Configuration", "RESTClientObject", "load_incluster_config", "load_kube_config"]

"""The faults, one module for each kind."""

from .fault import Fault, every

__all__ = ["Fault", "every"]

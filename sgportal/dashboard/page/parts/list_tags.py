"""Template tags that say where a list and its blocks begin (`lists`); outside of a page that is parted, nothing."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString

from . import lists

register = template.Library()
PARTED = "_sgportal_parted"


def _is_parted(context: Mapping[str, Any]) -> bool:
    return hasattr(context.get("request"), PARTED)


@register.simple_tag(takes_context=True)
def list_of(context: Mapping[str, Any], name: str) -> str:
    """The attributes of an element that holds nothing but blocks."""
    return SafeString(f"{lists.LIST}{name}{lists.NAMED}" if _is_parted(context) else "")


@register.simple_tag(takes_context=True)
def block_of(context: Mapping[str, Any], key: str) -> str:
    """Before each block, one element: what it is about."""
    return SafeString(f"{lists.BLOCK}{key}{lists.NAMED}" if _is_parted(context) else "")


@register.simple_tag(takes_context=True)
def list_end(context: Mapping[str, Any]) -> str:
    """After the last block."""
    return SafeString(lists.END if _is_parted(context) else "")


@register.simple_tag(takes_context=True)
def blocks(context: Mapping[str, Any], found: Mapping[str, str]) -> str:
    """All blocks of a list, safe HTML by what each is about, and its end."""
    if not _is_parted(context):
        return SafeString("".join(found.values()))
    texts = (f"{lists.BLOCK}{key}{lists.NAMED}{html}" for key, html in found.items())
    return SafeString("".join([*texts, lists.END]))

"""Sending one message by Apprise, which is loaded only where there is a channel. Its URLs are secrets: what is said of
a failure names none of their parts. No redirect is followed."""

import logging
import re
import threading
from typing import Any

from ...models.sealed import is_sealed

# By whose plugins messages go: webhooks (JSON, form), e-mail, WeCom, DingTalk, Feishu and Lark, Slack. Others of
# Apprise's run commands, write files or reach devices.
SERVICES = frozenset(
    ("json", "jsons", "form", "forms", "mailto", "mailtos", "wecombot", "dingtalk", "feishu", "lark", "slack")
)
NOT_TAKEN = "not accepted"
NOT_OPENED = "its URL was stored with another SECRET_KEY: remove the channel and add it again"
MOST = 2000  # characters of a URL
_LEAST_SECRET = 4  # characters of a part of a URL that is masked


class _Said(logging.Handler):
    """What Apprise warns of in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.texts.append(record.getMessage())


def service_of(url: str) -> str:
    """What a URL leads to, such as “DingTalk”; "" for what is no URL of one of SERVICES."""
    target = _target(url)
    return str(target.service_name) if target else ""


def send(url: str, title: str, body: str, resolved: bool = False) -> str:
    """Send a message; "" where it was accepted, else why not, without any part of the URL."""
    if is_sealed(url):
        return NOT_OPENED
    target = _target(url)
    if target is None:
        return NOT_TAKEN
    said, logger = _Said(), logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        taken = target.notify(body=body, title=title, notify_type="success" if resolved else "warning")
    except Exception as error:  # each plugin has its own; none of them may stop the rest
        return f"{NOT_TAKEN}: {type(error).__name__}"
    finally:
        logger.removeHandler(said)
    return "" if taken else masked("; ".join(said.texts) or NOT_TAKEN, url)


def masked(text: str, url: str) -> str:
    """A text without any part of a URL that may be a secret."""
    for part in sorted(set(re.split(r"[^\w.\-]+", url)), key=len, reverse=True):
        if len(part) >= _LEAST_SECRET:
            text = text.replace(part, "…")
    return text


def _target(url: str) -> Any:
    """Apprise's plugin for a URL, None where there is none that we use."""
    import apprise

    if len(url) > MOST or not url.isprintable():
        return None
    asset = apprise.AppriseAsset(app_id="sgportal", app_desc="sgportal", app_url="", image_url_mask=None)
    asset.http_redirects = False
    target: Any = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if target is None:
        return None
    schemas = {each for names in (target.protocol, target.secure_protocol) for each in _names(names)}
    if not schemas or not schemas <= SERVICES:
        return None
    target.redirects = False  # whatever the URL asks for
    return target


def _names(found: Any) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found or ())

"""Template tags: sentences in the reader's language, ages, states, links with safe queries."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, gettext_lazy

from ...core.documents import write_document
from ...core.health import is_unhealthy
from ...core.text import Sentence
from .live import AGE_UNITS

register = template.Library()

STATES = {
    "Ready": gettext_lazy("Ready"),
    "Progressing": gettext_lazy("Progressing"),
    "Degraded": gettext_lazy("Degraded"),
    "Blocked": gettext_lazy("Blocked"),
    "Paused": gettext_lazy("Paused"),
    "OnDelete": gettext_lazy("Ready, on delete"),
    "Partitioned": gettext_lazy("Ready, partitioned"),
    "Offline": gettext_lazy("Offline"),
    "UnitGone": gettext_lazy("NodeUnit gone"),
    "Gone": gettext_lazy("No nodes"),
    "NotReady": gettext_lazy("Not ready"),
    "Unknown": gettext_lazy("Unknown"),
    "Deleting": gettext_lazy("Deleting"),
    "pending": gettext_lazy("Waiting"),
    "running": gettext_lazy("Running"),
    "done": gettext_lazy("Done"),
    "failed": gettext_lazy("Failed"),
    "closed": gettext_lazy("Closed"),
    "refusing": gettext_lazy("Refusing"),
    "open": gettext_lazy("Open"),
    "leaking": gettext_lazy("Leaking"),
    "unknown": gettext_lazy("Unknown"),
}
CASCADES = {
    "Background": gettext_lazy("Background"),
    "Foreground": gettext_lazy("Foreground"),
    "Orphan": gettext_lazy("Orphan"),
}
VERBS = {
    "create": gettext_lazy("create"),
    "update": gettext_lazy("update"),
    "adopt": gettext_lazy("adopt"),
    "release": gettext_lazy("release"),
    "delete": gettext_lazy("delete"),
    "change": gettext_lazy("change"),
    "label": gettext_lazy("label"),
    "recreate": gettext_lazy("recreate"),
    "pin": gettext_lazy("pin"),
    "unpin": gettext_lazy("unpin"),
    "appears": gettext_lazy("added"),
    "vanishes": gettext_lazy("removed"),
    "changes": gettext_lazy("changed"),
    "log-in": gettext_lazy("log in"),
    "login-failed": gettext_lazy("failed login"),
    "login-refused": gettext_lazy("too many attempts"),
    "log-out": gettext_lazy("log out"),
    "password-changed": gettext_lazy("change password"),
    "password-reset": gettext_lazy("reset password"),
    "second-factor-added": gettext_lazy("add second factor"),
    "second-factor-removed": gettext_lazy("remove second factor"),
    "second-factor-reset": gettext_lazy("reset second factor"),
    "recovery-code-used": gettext_lazy("use recovery code"),
    "recovery-codes-renewed": gettext_lazy("renew recovery codes"),
    "secrets-resealed": gettext_lazy("encrypt secrets anew"),
    "approval-asked": gettext_lazy("ask for approval"),
    "approval-given": gettext_lazy("approve"),
    "approval-refused": gettext_lazy("refuse approval"),
    "approval-used": gettext_lazy("carry out what was approved"),
    "exec": gettext_lazy("run a command"),
    "exec-ended": gettext_lazy("end of a command"),
    "access-ended": gettext_lazy("revoke access"),
    "view-shared": gettext_lazy("share view"),
    "view-removed": gettext_lazy("remove shared view"),
    "token-issued": gettext_lazy("create token"),
    "token-revoked": gettext_lazy("revoke token"),
    "channel-added": gettext_lazy("add channel of notifications"),
    "channel-removed": gettext_lazy("remove channel of notifications"),
    "channel-tried": gettext_lazy("send a test notification"),
    "user-created": gettext_lazy("create user"),
    "user-changed": gettext_lazy("change user"),
    "user-deleted": gettext_lazy("delete user"),
    "take-over": gettext_lazy("take over"),
    "hand-back": gettext_lazy("hand back"),
    "definitions": gettext_lazy("replace CRDs"),
    "stop": gettext_lazy("stop writes"),
    "resume": gettext_lazy("resume writes"),
    "restore": gettext_lazy("restore all grids"),
    "follow": gettext_lazy("accept the cluster's state"),
}


_OF_JOBS = {
    "label": gettext_lazy("Labels"),
    "move": gettext_lazy("Move"),
    "cordon": gettext_lazy("Cordon"),
    "uncordon": gettext_lazy("Uncordon"),
    "drain": gettext_lazy("Drain"),
    "evict": gettext_lazy("Evict pods"),
}


@register.filter
def job_word(action: str) -> str:
    """What a job, or a step of it, does to nodes."""
    return str(_OF_JOBS.get(action, action))


@register.filter
def say(sentence: Any) -> str:
    """A sentence, as a value or as JSON, in the reader's language."""
    if isinstance(sentence, Mapping):
        sentence = Sentence.from_json(sentence) if "id" in sentence else ""
    if not isinstance(sentence, Sentence):
        return str(sentence or "")
    return sentence.render(gettext) if sentence else ""


@register.filter
def full_sentence(sentence: Any) -> str:
    """A sentence that stands alone: with a capital letter and the full stop of the reader's language."""
    text = capfirst(say(sentence))
    return f"{text}。" if (get_language() or "").startswith("zh") else f"{text}."


@register.filter
def state_word(state: str) -> str:
    """A state's name in the reader's language."""
    return str(STATES.get(state, state))


@register.filter
def unhealthy(state: str) -> bool:
    """Whether somebody should look at what is in this state."""
    return is_unhealthy(state)


@register.filter
def cascade_word(propagation: str) -> str:
    """What becomes of child objects, by Kubernetes' name of a propagation policy."""
    return str(CASCADES.get(propagation, propagation))


@register.filter
def verb_word(verb: str) -> str:
    """A verb in the reader's language."""
    return str(VERBS.get(verb, verb))


@register.simple_tag
def state(name: str, *, hatched: bool = False) -> SafeString:
    """A state as shape, colour and word; `hatched` marks what is only the last known."""
    return format_html(
        '<span class="state s-{}{}"><i class="mark" aria-hidden="true"></i>{}</span>',
        name,
        " hatched" if hatched else "",
        state_word(name),
    )


def loop_alarms(conditions: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with a ServiceGrid's closed loop by its conditions, as states of nodes, the gravest first."""
    told = {each.get("type"): each for each in conditions}
    closed = told.get("Closed", {})
    found = ["leaking"] if closed.get("reason") == "LeakingEndpoint" else []
    found += ["unknown"] if closed.get("status") == "Unknown" else []
    return found + (["refusing"] if told.get("Refusing", {}).get("status") == "True" else [])


_TRUTHS = {"True": gettext_lazy("True"), "False": gettext_lazy("False"), "Unknown": gettext_lazy("Unknown")}


@register.filter
def truth_word(truth: str) -> str:
    """Whether a claim holds, in the reader's language; a word that Kubernetes does not know stays as it is."""
    return str(_TRUTHS.get(truth, truth))


@register.filter
def age(when: datetime | str | None) -> str | SafeString:
    """How long ago something was, as “3m ago”, kept up to date by the page itself; the exact time on hover."""
    return _clock(when, "ago")


@register.filter
def lasts(when: datetime | str | None) -> str | SafeString:
    """How long something has lasted, as “3m”, kept up to date by the page itself; when it began on hover."""
    return _clock(when, "for")


def _clock(when: datetime | str | None, style: str) -> str | SafeString:
    moment = datetime.fromisoformat(when) if isinstance(when, str) and when else when
    if not isinstance(moment, datetime):
        return "–"
    return format_html(
        '<time datetime="{}" title="{} UTC" data-age="{}" aria-live="off">{}</time>',
        moment.isoformat(timespec="seconds"),
        date_format(moment, "Y-m-d H:i:s"),
        style,
        duration((timezone.now() - moment).total_seconds(), style),
    )


def duration(seconds: float, style: str = "ago") -> str:
    """A duration in its largest whole unit: “3m ago”, or “3m” where the style is `for`."""
    whole = max(0, int(seconds))
    for limit, divisor, ago, bare in AGE_UNITS:
        if limit is None or whole < limit:
            return str(ago if style == "ago" else bare) % {"n": whole // divisor}
    return ""


@register.simple_tag
def link(name: str, *args: Any, **query: Any) -> str:
    """The address of a page with a query, every part quoted; empty parts of the query are left out."""
    found = urlencode({key: value for key, value in query.items() if value not in ("", None)})
    return reverse(name, args=args) + (f"?{found}" if found else "")


@register.filter
def yaml(value: Any) -> str:
    """A value as YAML text."""
    return write_document(value)


@register.filter
def shown_lines(value: Any) -> list[str]:
    """A value of a changed field, line by line: structures as YAML, nothing as no line."""
    if value is None:
        return []
    text = yaml(value) if isinstance(value, dict | list) else str(value)
    return text.rstrip().splitlines()


@register.simple_tag(takes_context=True)
def here(context: template.Context, *prefixes: str) -> SafeString:
    """`aria-current` for a link of the navigation whose pages include this one."""
    request = context.get("request")
    path = request.path if request else ""
    found = any(path == prefix if prefix == "/" else path.startswith(prefix) for prefix in prefixes)
    return SafeString(' aria-current="page"' if found else "")


@register.simple_block_tag(takes_context=True)
def filters(context: template.Context, content: SafeString) -> SafeString:
    """The form around the fields that filter a page's rows."""
    return render_to_string("components/filters.html", {"fields": content, "request": context["request"]})


@register.simple_tag
def age_units() -> str:
    """The texts and limits of ages, for the page's own clock."""
    return json.dumps(
        [[limit, divisor, {"ago": str(ago), "for": str(bare)}] for limit, divisor, ago, bare in AGE_UNITS]
    )


@register.filter
def equals(key: str, value: str) -> str:
    """The selector of the objects that carry a label."""
    return f"{key}={value}"


@register.filter
def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


@register.filter
def lacks(key: str) -> str:
    """The selector of the objects that do not carry a label key."""
    return f"!{key}"


@register.filter
def minus(whole: int, part: int) -> int:
    """The rest."""
    return whole - part

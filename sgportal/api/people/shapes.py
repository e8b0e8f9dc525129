"""Tokens and the audit trail as JSON."""

from typing import Any

from ...models import ApiToken, AuditEvent
from ..http.values import instant


def token(row: ApiToken) -> dict[str, Any]:
    """A token without its secret."""
    return {
        "id": row.pk,
        "user": row.user.get_username(),
        "name": row.name,
        "prefix": row.prefix,
        "scope": row.scope,
        "role": row.role,
        "expiresAt": instant(row.expires_at),
        "lastUsedAt": instant(row.last_used_at),
        "createdAt": instant(row.created_at),
    }


def audit(row: AuditEvent) -> dict[str, Any]:
    """A write somebody asked for."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "at": instant(row.at),
        "actor": row.actor,
        "door": row.door,
        "address": row.address,
        "verb": row.verb,
        "path": row.path,
        "before": row.before,
        "after": row.after,
        "plan": row.plan,
    }

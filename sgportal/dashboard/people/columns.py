"""The columns of lists of tokens, never the tokens themselves, and of requests for approval, as CSV."""

from ..page.export import Columns

TOKENS: Columns = {
    "name": lambda token: token.name,
    "prefix": lambda token: token.prefix,
    "scope": lambda token: token.scope,
    "createdAt": lambda token: token.created_at.isoformat(),
    "expiresAt": lambda token: token.expires_at.isoformat(),
    "lastUsedAt": lambda token: token.last_used_at and token.last_used_at.isoformat(),
}
SERVICE_TOKENS: Columns = {
    **TOKENS,
    "role": lambda token: token.role,
    "namespaces": lambda token: token.namespaces,
    "nodeGroup": lambda token: token.key,
    "nodeUnits": lambda token: token.units,
    "unitSelector": lambda token: token.selector,
}
APPROVALS: Columns = {
    "path": lambda row: row.path,
    "action": lambda row: row.action,
    "actor": lambda row: row.actor,
    "state": lambda row: row.status,
    "plan": lambda row: row.plan,
    "askedAt": lambda row: row.asked_at.isoformat(),
    "expiresAt": lambda row: row.expires_at.isoformat(),
    "decidedBy": lambda row: row.decided_by,
    "decidedAt": lambda row: row.decided_at and row.decided_at.isoformat(),
}

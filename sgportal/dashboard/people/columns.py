"""The columns of lists of tokens as CSV: never the tokens themselves."""

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
}

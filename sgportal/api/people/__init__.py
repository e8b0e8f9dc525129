"""The caller, tokens, and the audit trail. It may import `views`, `description` and `http`."""

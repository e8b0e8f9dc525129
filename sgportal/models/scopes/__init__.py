"""Scopes in the database: grants, the scope of who asks now, and the one rule that keeps other rows from queries."""

"""What work and pages cost, in statements to the database and requests to the API server, held against `budgets.toml`.

`pytest tests/budgets --rewrite-budgets -n 0` writes the file anew.
"""

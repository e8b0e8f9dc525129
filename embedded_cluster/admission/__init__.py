"""What becomes of an object before it is stored: defaults, validation, addresses, quotas, limits, budgets. May import
`objects`, `kinds`."""

"""What kubectl prints: the columns of every kind. May import `objects`, `kinds`."""

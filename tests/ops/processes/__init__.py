"""What the processes that serve no page consist of."""

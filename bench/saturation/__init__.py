"""What one process of each kind can do: at which figure it takes a whole core, or falls behind."""

"""The first page's reads: what is unhealthy and why, every cell of a NodeGroup, what happened in the last day."""

"""A cluster of many pods that only reads."""

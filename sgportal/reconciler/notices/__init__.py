"""Notifications: what is found becomes notices, each is delivered once to every channel that it concerns."""

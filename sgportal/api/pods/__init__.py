"""Pods, what Kubernetes says of them, and their logs, over REST.

It may import `events` and what is below it.
"""

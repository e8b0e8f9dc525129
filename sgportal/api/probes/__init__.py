"""What monitoring asks: whether this process lives and can serve, and Prometheus' numbers.

It may import the rooms whose numbers and shapes it shows: `cluster` and `events`.
"""

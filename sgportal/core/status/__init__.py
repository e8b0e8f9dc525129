"""What state a grid is in, in each NodeUnit and as a whole, and what a person can do about it.

May import `plans` and whatever that may import.
"""

"""List and watch one resource for ever: sources, reflectors, and the messages between threads.

May import `cluster` and `core`; knows no Django.
"""

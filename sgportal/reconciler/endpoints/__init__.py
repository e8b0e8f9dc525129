"""The endpoint controller: keeps the EndpointSlices of closed Services right, from memory.

May import `informer`, `cluster` and `core`; knows no Django.
"""

"""The rollouts of grids in waves: begun, decided about and stored.

A decision is one transaction; what follows from it is written by batches of cells. May import `status` and below.
"""

"""How a change of a grid reaches its NodeUnits: in waves, each after the one before it is healthy.

`strategy` reads `spec.rollout`; `division` puts units into waves; `engine` decides what happens next.
"""

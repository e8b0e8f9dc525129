"""Doors for the operator's shell: `manage.py` commands. Only here may the embedded cluster be started."""

#!/usr/bin/env python
"""Django's command line."""

import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["demo"]:
        from sgportal.management.demo_state import prepare

        prepare()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)

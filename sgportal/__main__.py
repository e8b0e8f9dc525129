"""The command line, as `sgportal`, `python -m sgportal` and `manage.py`: `sgportal demo`, `sgportal worker` …"""

import os
import sys


def main() -> None:
    """Run the command that the arguments name; without one, tell which there are."""
    if sys.argv[1:2] == ["demo"]:
        from .management.demo_state import prepare

        prepare()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

"""Where files are: in a checkout beside the package; from a wheel the assets are in the package, and state is kept in
the folder in which a command is run. Imports nothing of Django: the demo asks before settings load."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
FROM_WHEEL = (PACKAGE / "assets").is_dir()
ASSETS = PACKAGE / "assets" if FROM_WHEEL else PACKAGE.parent  # holds templates/ and static/
STATE = Path.cwd() if FROM_WHEEL else PACKAGE.parent

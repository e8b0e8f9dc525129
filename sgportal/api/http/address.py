"""Where the REST API is."""

BASE = "/api/v1/"


def address(path: str) -> str:
    """The address of a thing by its path, such as `nodes/node0`."""
    return BASE + path

"""What people may keep at hand: rules for the names and addresses of saved views."""

from ..text import Sentence, say

MOST_NAME = 100  # characters
MOST_ADDRESS = 2000
MOST_VIEWS = 100  # of a person
MOST_FAVOURITES = 200
_NOT_OF_A_VIEW = {"page", "format"}  # which page of the rows, and as what, is not what somebody filtered

NO_PAGE = say("must be the address of a page of this portal: a path, and a query")
NO_NAME = say("must have 1 to %(most)s characters, all of them visible", most=MOST_NAME)


def name_problem(name: str) -> Sentence | None:
    """What is wrong with the name of a view; None where nothing is. Any script will do."""
    is_fine = name == name.strip() and name.isprintable() and 1 <= len(name) <= MOST_NAME
    return None if is_fine else NO_NAME


def address_problem(address: str) -> Sentence | None:
    """What is wrong with the address of a view; None where it is a path and a query of this site and nothing else. A
    browser takes `//x`, `/\\x`, and these with tabs and line ends in them, for another site."""
    is_path = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return None if is_path and address.isprintable() and len(address) <= MOST_ADDRESS else NO_PAGE


def address_of_view(address: str) -> str:
    """An address without what is not of the view: the place in the page, which page of the rows it is, and as what."""
    path, _, query = address.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in _NOT_OF_A_VIEW]
    return f"{path}?{'&'.join(kept)}" if kept else path

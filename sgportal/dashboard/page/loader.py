"""Templates are indented for people; what they are indented with is not sent to browsers.

Of a line's start, white space goes. A line with nothing but a tag that prints nothing goes whole, so that a row of a
table costs what its elements cost, whatever `if` and `for` stand around them. A newline stays wherever text may meet
text, so no two words are joined. Nothing here reads what variables hold.
"""

import re

from django.template import Origin
from django.template.loaders import filesystem

_NAMES = "if elif else endif for empty endfor with endwith load extends block endblock partialdef endpartialdef"
_SILENT = rf"\{{%\s*(?:{_NAMES.replace(' ', '|')})\b[^%]*%\}}"
_LINES = re.compile(rf"^[ \t]*((?:{_SILENT})+)[ \t]*\n|^[ \t]*\{{#[^\n]*#\}}[ \t]*\n|^[ \t]+", re.M)


class Loader(filesystem.Loader):
    """Finds templates where Django's own loader does."""

    def get_contents(self, origin: Origin) -> str:
        """The template's text without its indentation. Raises TemplateDoesNotExist."""
        return _LINES.sub(lambda line: line[1] or "", super().get_contents(origin))

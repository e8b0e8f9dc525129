"""How Sphinx builds the site of one language (`make site`); nothing on a page is fetched from elsewhere."""

import re

project = "sgportal"
copyright = "the sgportal developers, Apache-2.0"
extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_title = "sgportal"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["examples"]
suppress_warnings = ["misc.highlighting_failure"]  # examples with an ellipsis

_RUNS = re.compile(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+")
# The same for what is typed into the search, in the reader's browser.
_RUNS_IN_THE_BROWSER = """
var splitQuery = (query) =>
  (query.match(/[\\u4e00-\\u9fff]+|(?:(?![\\u4e00-\\u9fff])[\\p{Letter}\\p{Number}_])+/gu) || []).flatMap((run) =>
    /^[\\u4e00-\\u9fff]{2}/.test(run) ? Array.from({length: run.length - 1}, (_, at) => run.slice(at, at + 2)) : [run]);
"""


def words(text: str) -> list[str]:
    """What the search of the Chinese site knows of a text: words of letters, and of Chinese, which has no spaces, every
    two characters side by side. Sphinx' own way wants a dictionary and, without it, finds no Chinese at all."""
    found = []
    for run in _RUNS.findall(text):
        pairs = [run[at : at + 2] for at in range(len(run) - 1)] if "\u4e00" <= run[0] <= "\u9fff" else []
        found += pairs or [run]
    return found


def setup(_app):
    """Have the search of the Chinese site find Chinese."""
    from sphinx.search import languages
    from sphinx.search.en import SearchEnglish

    class Chinese(SearchEnglish):
        """Letters as in English."""

        lang = "zh"
        language_name = "Chinese"
        js_splitter_code = _RUNS_IN_THE_BROWSER

        def split(self, text):
            return words(text)

    languages["zh"] = Chinese

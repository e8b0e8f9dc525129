"""How Sphinx builds the site of one language (`make site`); nothing on a page is fetched from elsewhere."""

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

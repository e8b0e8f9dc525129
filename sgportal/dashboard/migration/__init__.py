"""Coming from others, on a page."""

"""Sentences in the caller's language."""

from django.utils.translation import gettext

from ...core.text import Sentence


def localise(sentence: Sentence) -> str:
    """A sentence in the language of the request."""
    return sentence.render(gettext)

"""What a person was shown, in a few characters, so that exactly that is what runs when they agree."""

import hashlib
import json
from typing import Any


def fingerprint(*shown: Any) -> str:
    """The same text for the same values, whatever the order of keys."""
    text = json.dumps(shown, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

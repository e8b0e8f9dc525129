"""Coming from others, and leaving, over REST."""

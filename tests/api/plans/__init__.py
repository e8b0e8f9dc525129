"""Plans over REST that bind: what was agreed to is carried out, or nothing."""

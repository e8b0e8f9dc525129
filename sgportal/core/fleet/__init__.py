"""What keeps a fleet from being lost by a mistake: when everything stops, and which deletions wait for a person; and
what people did, in words."""

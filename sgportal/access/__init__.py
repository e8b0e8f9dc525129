"""Who is at the door: the client's address, the brake on log-in attempts, the end of a person's sessions and tokens."""

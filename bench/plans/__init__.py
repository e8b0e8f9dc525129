"""What a plan costs where children differ per unit."""

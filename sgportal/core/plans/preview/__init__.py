"""What is known of a plan before it is carried out: its id, its sum, what it leaves."""

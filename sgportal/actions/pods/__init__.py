"""What people have done in pods."""

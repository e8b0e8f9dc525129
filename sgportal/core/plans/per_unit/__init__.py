"""What the child of one NodeUnit consists of, and where each part of it is written."""

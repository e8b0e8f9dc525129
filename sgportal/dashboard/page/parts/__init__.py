"""What of a live part changed since a browser was sent it: lists in it, block by block."""

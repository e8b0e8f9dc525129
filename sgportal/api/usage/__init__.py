"""What nodes and pods use of processors and memory, over REST."""

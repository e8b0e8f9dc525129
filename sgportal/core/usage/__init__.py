"""What nodes and pods use of processors and memory: what a measurement says, what it comes to per NodeUnit and per
cell, and the last hour of it."""

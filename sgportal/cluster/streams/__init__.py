"""What comes bit by bit: changes of a collection, the log of a container, what a command in one writes."""

"""What controllers, scheduler and kubelets do in a real cluster, in one loop that acts on what changed."""

"""The scheduler and the kubelets: where a pod goes, and what its containers do there. May import `objects`."""

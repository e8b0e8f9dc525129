"""How EndpointSlices of closed Services follow, and what they cost."""

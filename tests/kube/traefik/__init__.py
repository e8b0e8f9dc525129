"""Traefik, an ingress controller that many sites have."""

"""Grids and packages of them: their manifests, plans, history and events, bundles, and where their traffic goes.

Manifests have Kubernetes' shape. It may import `views`, `description` and `http`.
"""

"""An embedded Kubernetes cluster: the REST API on a loopback port, and a small life behind it.

It is for the demo and for tests. It speaks TLS with a bearer token, keeps objects in memory (and in a journal on disk
where it is given a folder), and reads none of sgportal's other code.

What it does: discovery, OpenAPI as far as kubectl asks for it, get, list (selectors, limit/continue), watch (bookmarks,
410), create, update, patch (JSON, merge, strategic merge, server-side apply with field ownership), delete (propagation,
preconditions, finalizers), status and scale subresources, dry run, Table and metadata-only answers, custom resources
with structural schemas, garbage collection by ownerReferences; Deployments, ReplicaSets, StatefulSets, scheduling, pods
with addresses, EndpointSlices, nodes that come and go; and misbehaviour on request (see `faults`).

What it does not do, and answers 501 for: exec, attach, port-forward and proxy subresources, `watch` below
`/api/v1/watch`, protobuf bodies, token and access reviews other than SelfSubjectAccessReview, webhooks, conversion.
What it does not do and has no request for: admission plugins, quota, preemption, volumes, DaemonSets' and Jobs' life,
CEL rules, defaulting and validation beyond what is needed here (see `defaults`, `validation`).
"""

from .cluster import EmbeddedCluster

__all__ = ["EmbeddedCluster"]

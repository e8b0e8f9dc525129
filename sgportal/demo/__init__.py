"""An embedded Kubernetes cluster: the REST API on a loopback port, and a small life behind it.

It is for the demo and for tests. It speaks TLS with a bearer token, keeps objects in memory (and in a journal on disk
where it is given a folder), and reads none of sgportal's other code.

What it does: discovery, get, list (selectors, limit/continue, exact versions), watch (bookmarks, initial events, 410),
create, update, patch (JSON, merge, strategic merge, server-side apply with field ownership), delete (propagation,
preconditions, finalizers, grace periods of pods), status and scale subresources, dry run, Table and metadata-only
answers, custom resources with structural schemas, garbage collection by ownerReferences; Deployments, ReplicaSets,
StatefulSets, DaemonSets, scheduling, pods with addresses, EndpointSlices, nodes that come and go with their leases; and
misbehaviour on request (see `faults`).

What it answers 501 to: exec, attach, port-forward, proxy, binding, ephemeral containers, resize, token and approval
subresources; `watch` below `/api/v1/watch`; protobuf bodies, and so `kubectl create <kind>` and `kubectl auth can-i`
(`kubectl create -f` and `apply -f` send JSON).

What it leaves out in silence, where a real cluster would act:
- admission plugins, quota, preemption, priorities, resources and volumes; pods fit a node whatever they ask for;
- webhooks, conversion, all but the first served version of a custom resource, CEL rules, `anyOf` and its like;
  list types of custom resources under server-side apply (their lists are taken whole);
- built-in kinds keep fields that Kubernetes does not know, whatever `fieldValidation` says (of custom resources it is
  obeyed); only the types of the fields that are looked into here are checked;
- OpenAPI describes custom resources only, so `kubectl explain` cannot look into built-in kinds;
- events.k8s.io, Endpoints, Jobs, Ingresses and everything else not in `kinds`: 404;
- eviction ignores disruption budgets, lost nodes do not evict their pods, minReadySeconds is not waited for,
  StatefulSets make no volume claims; Secrets, roles and bindings are stored and grant nothing.
"""

from .cluster import EmbeddedCluster

__all__ = ["EmbeddedCluster"]

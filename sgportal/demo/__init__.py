"""An embedded Kubernetes cluster: the REST API on a loopback port, and a small life behind it.

It is for the demo and for tests. It speaks TLS with a bearer token, keeps objects in memory (and in a journal on disk
where it is given a folder), and reads none of sgportal's other code.

What it does is held to a real Kubernetes 1.37 by tests/contract, which runs unchanged on both; what that showed is in
docs/kubernetes-differences.md. Discovery and OpenAPI, get, list (selectors, limit/continue, exact versions), watch
(bookmarks, initial events, 410), create, update, patch (JSON, merge, strategic merge, server-side apply with field
ownership), field validation, delete (propagation, preconditions, finalizers, grace periods of pods), status and scale
subresources, dry run, Tables and metadata only, custom resources with structural schemas, garbage collection, counting
quotas; Deployments, ReplicaSets, StatefulSets, DaemonSets, scheduling, pods with addresses, EndpointSlices, nodes that
come and go with their leases; and misbehaviour on request (see `faults`).

What it answers 501 to: exec, attach, port-forward, proxy, binding, ephemeral containers, resize, token and approval
subresources; `watch` below `/api/v1/watch`; protobuf bodies, and so `kubectl create <kind>` and `kubectl auth can-i`
(`kubectl create -f` and `apply -f` send JSON). It answers JSON only: 406 to who takes nothing else.

What it leaves out in silence, where a real cluster would act:
- admission plugins, amounts in quotas, preemption, priorities, resources and volumes; pods fit a node whatever
  they ask for, and pods that controllers make are not counted against a quota before they are there;
- webhooks, conversion, all but the first served version of a custom resource, CEL rules, `anyOf` and its like;
- of built-in kinds it checks all types, but values only where our code or our users get them wrong: metadata,
  workloads, containers, Services, EndpointSlices, Leases, Events, ConfigMaps, Secrets;
- every namespace's `kube-root-ca.crt` and `default` ServiceAccount, the Service `kubernetes`; built-in roles;
- the prose of OpenAPI, so that `kubectl explain` gives names and types only;
- who owns the empty map around one's fields; a dry run shows an address that is free, not the first of the range;
- events.k8s.io, Endpoints, Jobs, Ingresses and everything else not in `kinds`: 404;
- eviction ignores disruption budgets, lost nodes do not evict their pods, minReadySeconds is not waited for,
  StatefulSets make no volume claims and no ControllerRevisions; Secrets, roles and bindings are stored and grant
  nothing.
"""

from .cluster import EmbeddedCluster

__all__ = ["EmbeddedCluster"]

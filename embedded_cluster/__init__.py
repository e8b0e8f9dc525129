"""An embedded Kubernetes cluster: the REST API on a loopback port, and a small life behind it.

It is for the demo and for tests. It speaks TLS with a bearer token, keeps objects in memory (and in a journal on disk
where it is given a folder), and reads no code of the project that it stands in.

What it does is held to a real Kubernetes 1.37 by tests/contract, which runs unchanged on both, with kubectls from 1.20
to 1.37; what that showed is in docs/kubernetes-differences.md. Discovery and OpenAPI (both versions), get, list
(selectors, limit/continue, exact versions), watch (bookmarks, initial events, 410), create, update, patch (JSON, merge,
strategic merge, server-side apply with field ownership), bodies in JSON, YAML and protobuf, field validation, delete
(propagation, preconditions, finalizers, grace periods of pods), status and scale subresources, dry run, Tables and
metadata only, custom resources with structural schemas, garbage collection, quotas, LimitRanges, roles and their
bindings, impersonation, tokens of ServiceAccounts; Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, scheduling
by labels, taints and requests, pods with addresses, EndpointSlices, disruption budgets, nodes that come and go with
their leases; and misbehaviour on request (see `server.faults`).

Nothing is really run. A container's image and command tell what becomes of it: an image of a host that begins with
`fail.` cannot be pulled; `false`, `sh -c "sleep 5; exit 1"` and their like end and are started again with the kubelet's
back-off; init containers end at once unless they say otherwise; whatever else is said runs for ever (see
`nodes.programs`). Logs are made up from the same, and from the clock (`nodes.output`), and so is what nodes and pods
use of processors and memory, where metrics-server is asked for (`nodes.usage`). A ConfigMap or Secret that is not there
keeps a pod waiting.

What it answers 501 to: proxy, binding, resize and approval subresources; `watch` below `/api/v1/watch`. Exec, attach
and port-forward end as they do where no kubelet listens. It answers in JSON only: 406 to who takes nothing else. Other
kinds than those in `kinds.served` are 404.

What it leaves out in silence, where a real cluster would act:
- admission plugins but for quotas, LimitRanges, and the names of ServiceAccounts and priorities; preemption, affinity
  between pods, volumes; probes, but for those of readiness that run a command;
- webhooks, conversion, all but the first served version of a custom resource, CEL rules, `anyOf` and its like;
- of built-in kinds it checks all types, but values only where our code or our users get them wrong: metadata,
  workloads, containers, Services, EndpointSlices, Leases, Events, ConfigMaps, Secrets, Jobs, CronJobs;
- most of the roles that a real cluster is born with, and the check that nobody gives rights that they do not have;
- who owns the empty map around one's fields; a dry run shows an address that is free, not the first of the range;
- CronJobs make no Jobs, autoscalers scale nothing, Ingresses, NetworkPolicies, classes and volumes are only kept; the
  containers of a Job that does not say otherwise work for two seconds and succeed, and its deadline is not looked at;
- lost nodes do not evict their pods, StatefulSets make no volume claims and no
  ControllerRevisions; Secrets grant nothing.
"""

from .cluster import EmbeddedCluster

__all__ = ["EmbeddedCluster"]

"""Grids for the kubectl door: good ones, what the API server refuses, and what only the portal knows to be wrong."""


def a_template(image="img:1", **more):
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod, **more}


def a_grid(name="web", kind="DeploymentGrid", **spec):
    body = {"gridUniqKey": "zone1", "template": a_template(), **spec}
    kept = {key: value for key, value in body.items() if value is not None}
    return {"apiVersion": "superedge.io/v1", "kind": kind, "metadata": {"name": name}, "spec": kept}


def without(body, *path):
    """A copy without a field."""
    head, *rest = path
    kept = {key: value for key, value in body.items() if rest or key != head}
    return {**kept, head: without(body[head], *rest)} if rest else kept


def a_service(closure=None, **template):
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}], **template}
    return a_grid(kind="ServiceGrid", template=spec, closure=closure)


IMAGE = {"containers": [{"name": "c"}]}
# What SuperEdge takes and drops in silence, stumbles over, or holds for something else → the words that refuse it.
REFUSED = [
    (a_grid(gridUniqKey=None), "spec.gridUniqKey: Required value"),
    (a_grid(gridUniqKey=""), "spec.gridUniqKey"),
    (a_grid(gridUniqKey=5), "spec.gridUniqKey: Invalid value"),
    (a_grid(gridUniqKey="zone 1"), "spec.gridUniqKey: Invalid value"),
    (a_grid(gridUniqkey="zone1"), 'unknown field "spec.gridUniqkey"'),
    (a_grid(replicas=2), 'unknown field "spec.replicas"'),
    (a_grid(template=None), "spec.template: Invalid value"),
    (a_grid(template=a_template(replicas="2")), "spec.template.replicas: Invalid value"),
    (a_grid(template=a_template(replicas=-1)), "spec.template.replicas: Invalid value"),
    (a_grid(template=without(a_template(), "selector")), "spec.template.selector: Required value"),
    (a_grid(template=without(a_template(), "template", "spec")), "spec.template.template.spec: Required value"),
    (a_grid(template=a_template(template={"spec": IMAGE})), "spec.template.template.spec.containers[0].image"),
    (a_grid(templatePool={"default": a_template()}), "spec.templatePool: Invalid value"),
    (a_grid(templatePool={"two": {"replicas": 1}}), "spec.templatePool.two.selector: Required value"),
    (a_grid(templates={"nodeunit1": 5}), "spec.templates.nodeunit1: Invalid value"),
    (a_grid(autoDeleteUnusedTemplate="yes"), "spec.autoDeleteUnusedTemplate: Invalid value"),
    (a_grid("g" * 62), "metadata.name"),
    (a_grid("g" * 51, "StatefulSetGrid"), "metadata.name"),
    (a_service(selector={}), "spec.template.selector"),
    (a_service(ports=[]), "spec.template.ports"),
    (a_service(ports=[{"port": 0}]), "spec.template.ports[0].port"),
    (a_service(closure={"mode": "strikt"}), "spec.closure.mode: Unsupported value"),
    (a_service(closure={"mode": "strict", "failover": ["b"]}), "spec.closure.failover"),
    (a_service(closure={"mode": "failover"}), "spec.closure.failover"),
    (a_service(closure={"mode": "failover", "failover": ["no unit"]}), "spec.closure.failover[0]"),
    (a_service(closure={"mode": "strict"}, clusterIP="None"), "spec.closure"),
]


# What the API server cannot know → the reason of the condition, and the words.
SHOWN = {
    "unknown": (a_template(replica=2), {}, "InvalidSpec", "/spec/template/replica"),
    "labels": (a_template(selector={"matchLabels": {"app": "other"}}), {}, "InvalidSpec", "/spec/template/selector"),
    "missing": (a_template(), {"templates": {"nodeunit1": "nowhere"}}, "TemplateNotFound", "nowhere"),
}

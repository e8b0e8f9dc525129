"""Jobs: pods that do their work and end (kubernetes.io/docs "Jobs"). A container works for a moment, and succeeds."""

from ..store import Store
from ..values import Object, new_uid, now
from .children import claimed, end_pod, make_pod, ready_count, set_status, staying
from .notes import note, now_unless

KEY = "jobs.batch"


def job(store: Store, body: Object) -> None:
    """One step of a Job: the pods it lacks; its status."""
    status, spec = body.get("status") or {}, body["spec"]
    if body["metadata"].get("deletionTimestamp") or status.get("completionTime"):
        return
    pods = claimed(store, "pods", body)
    done = sum(_phase(each) == "Succeeded" for each in pods)
    active = staying([each for each in pods if _phase(each) in ("Pending", "Running")])
    wanted = spec.get("completions")
    left = spec["parallelism"] if wanted is None else min(spec["parallelism"], wanted - done)
    if wanted is None and done:
        left = 0  # a work queue: once one has succeeded, none begins
    if spec.get("suspend"):
        left = 0
        for each in active:
            end_pod(store, each)
    for _ in range(left - len(active)):
        pod = make_pod(store, body, f"{body['metadata']['name'][:57]}-{new_uid()[:5]}")
        note(store, body, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", "job-controller")
    _report(store, body, done, wanted)


def at_work(store: Store, body: Object) -> list[Object]:
    """The pods of a Job that is not over."""
    return [] if (body.get("status") or {}).get("completionTime") else store.children("pods", body["metadata"]["uid"])


def _report(store: Store, body: Object, done: int, wanted: int | None) -> None:
    active = staying([each for each in store.children("pods", body["metadata"]["uid"]) if _phase(each) != "Succeeded"])
    suspended = bool(body["spec"].get("suspend"))
    status: Object = {
        "active": len(active),
        "succeeded": done,
        "ready": ready_count(active),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    status = {key: each for key, each in status.items() if each or key not in ("active", "succeeded")}
    before = body.get("status") or {}
    if begun := before.get("startTime") or (None if suspended else now()):
        status["startTime"] = begun
    if done and not active and done >= (wanted or 1):
        conditions = [
            now_unless({"type": kind, "status": "True", "lastProbeTime": now(), "reason": "CompletionsReached",
                        "message": "Reached expected number of succeeded pods"}, body)
            for kind in ("SuccessCriteriaMet", "Complete")
        ]  # fmt: skip
        status |= {"conditions": conditions, "completionTime": now()}
        note(store, body, "Normal", "Completed", "Job completed", "job-controller")
    elif suspended:
        condition = {"type": "Suspended", "status": "True", "lastProbeTime": now(), "reason": "JobSuspended"}
        same = [each for each in before.get("conditions") or () if each["type"] == "Suspended"]
        status["conditions"] = same or [now_unless({**condition, "message": "Job suspended"}, body)]
    set_status(store, KEY, body, status)


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))

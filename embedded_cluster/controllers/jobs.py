"""Jobs: pods that do their work and end (kubernetes.io/docs "Jobs"). A container works for a moment and succeeds,
unless its command says that it fails."""

from datetime import UTC, datetime, timedelta
from functools import partial

from ..objects.notes import note, now_unless
from ..objects.store import Store
from ..objects.values import Object, new_uid, now
from .children import claimed, end_pod, make_pod, make_pods, ready_count, set_status, staying

KEY = "jobs.batch"


def job(store: Store, body: Object) -> float | None:
    """One step of a Job: the pods it lacks; its status. In how many seconds it tries again where pods have failed."""
    status, spec = body.get("status") or {}, body["spec"]
    if body["metadata"].get("deletionTimestamp") or status.get("completionTime") or _has_failed(status):
        return None
    pods = claimed(store, "pods", body)
    done, failed = (sum(_phase(each) == word for each in pods) for word in ("Succeeded", "Failed"))
    active = staying([each for each in pods if _phase(each) in ("Pending", "Running")])
    wanted = spec.get("completions")
    left = spec["parallelism"] if wanted is None else min(spec["parallelism"], wanted - done)
    wait = _pause(pods, failed)
    if (wanted is None and done) or failed > spec["backoffLimit"] or wait > 0:
        left = 0  # of a work queue, once one has succeeded, none begins
    if spec.get("suspend") or failed > spec["backoffLimit"]:
        left = 0
        for each in active:
            end_pod(store, each)
    make_pods(store, body, (partial(_make, store, body) for _ in range(left - len(active))), "job-controller")
    _report(store, body, done, failed)
    return wait if wait > 0 else None


def _has_failed(status: Object) -> bool:
    return any(each["type"] == "Failed" for each in status.get("conditions") or ())


def _pause(pods: list[Object], failed: int) -> float:
    """For how many seconds no pod is made after some have failed (10, 20, 40 ... up to ten minutes)."""
    if not failed:
        return 0
    ends = [_ended(each) for each in pods if _phase(each) == "Failed"]
    due = datetime.fromisoformat(max(ends)) + timedelta(seconds=min(10 * 2 ** (failed - 1), 600))
    return (due - datetime.now(UTC)).total_seconds()


def _ended(pod: Object) -> str:
    """When a pod's last container ended."""
    states = (each["state"].get("terminated") or {} for each in pod["status"].get("containerStatuses") or ())
    return max((each["finishedAt"] for each in states if each), default=str(pod["metadata"]["creationTimestamp"]))


def _make(store: Store, body: Object) -> None:
    pod = make_pod(store, body, f"{body['metadata']['name'][:57]}-{new_uid()[:5]}")
    note(store, body, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", "job-controller")


def _report(store: Store, body: Object, done: int, failed: int) -> None:
    spec, before = body["spec"], body.get("status") or {}
    pods = store.children("pods", body["metadata"]["uid"])
    active = staying([each for each in pods if _phase(each) not in ("Succeeded", "Failed")])
    suspended = bool(spec.get("suspend"))
    status: Object = {
        "active": len(active),
        "succeeded": done,
        "failed": failed,
        "ready": ready_count(active),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    status = {key: each for key, each in status.items() if each or key not in ("active", "succeeded", "failed")}
    if begun := before.get("startTime") or (None if suspended else now()):
        status["startTime"] = begun
    if failed > spec["backoffLimit"] and not active:
        words = "Job has reached the specified backoff limit"
        status["conditions"] = _said(body, ("FailureTarget", "Failed"), "BackoffLimitExceeded", words)
        note(store, body, "Warning", "BackoffLimitExceeded", words, "job-controller")
    elif done and not active and done >= (spec.get("completions") or 1):
        words = "Reached expected number of succeeded pods"
        status["conditions"] = _said(body, ("SuccessCriteriaMet", "Complete"), "CompletionsReached", words)
        status["completionTime"] = now()
        note(store, body, "Normal", "Completed", "Job completed", "job-controller")
    elif suspended:
        same = [each for each in before.get("conditions") or () if each["type"] == "Suspended"]
        status["conditions"] = same or _said(body, ("Suspended",), "JobSuspended", "Job suspended")
    set_status(store, KEY, body, status)


def _said(body: Object, kinds: tuple[str, ...], reason: str, message: str) -> list[Object]:
    """Conditions that hold."""
    told = {"status": "True", "lastProbeTime": now(), "reason": reason, "message": message}
    return [now_unless({"type": kind, **told}, body) for kind in kinds]


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))

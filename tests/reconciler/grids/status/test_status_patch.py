"""What the custom resource's status says is what REST says, to the last count."""

from sgportal.reconciler.grids.status.resource_status import merge_patch


def merged(target, patch):
    """RFC 7396, section 2."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key) if isinstance(result.get(key), dict) else {}, value)
        else:
            result[key] = value
    return result


def test_a_count_that_fell_to_nothing_leaves_the_custom_resource():
    before = {"states": {"a": {"replicas": 1, "readyReplicas": 1}, "b": {"replicas": 1}}, "old": 1, "units": [1]}
    wanted = {"states": {"a": {"replicas": 1}}, "units": [2], "new": {"x": 1}}
    assert merged(before, merge_patch(before, wanted)) == wanted


def test_what_stays_is_not_sent():
    before = {"states": {"a": {"replicas": 1}, "b": {"replicas": 1}}, "conditions": [1, 2], "total": 2}
    wanted = {"states": {"a": {"replicas": 1}, "b": {"replicas": 0}}, "conditions": [1, 2], "total": 2}
    assert merge_patch(before, wanted) == {"states": {"b": {"replicas": 0}}}
    assert merge_patch(before, before) == {}

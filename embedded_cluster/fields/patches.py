"""JSON Patch (RFC 6902), JSON merge patch (RFC 7386) and Kubernetes' strategic merge patch."""

from typing import Any

from ..kinds.shapes import Shape
from ..objects.errors import ApiError
from ..objects.values import Object, copy


def json_patch(body: Object, operations: Any) -> Object:
    """The object after the operations. Raises 422 where a test fails or a path leads nowhere, 400 for nonsense."""
    if not isinstance(operations, list):
        raise ApiError(400, "error decoding patch: a JSON patch is a list of operations")
    result = copy(body)
    for operation in operations:
        result = _operate(result, operation)
    return dict(result)


def _operate(document: Any, operation: Object) -> Any:
    name, path = operation.get("op"), _parts(operation.get("path"))
    if name in ("move", "copy"):
        source = _parts(operation.get("from"))
        value = copy(_lookup(document, source))
        if name == "move":
            document = _remove(document, source)
        return _add(document, path, value)
    if name == "test":
        if _lookup(document, path) != operation.get("value"):
            raise _unprocessable(f"testing value {operation.get('path')} failed")
        return document
    if name == "remove":
        return _remove(document, path)
    if name == "replace":
        return _replace(document, path, operation.get("value"))
    if name == "add":
        return _add(document, path, operation.get("value"))
    raise _unprocessable(f"unexpected patch operation {name!r}")


def _parts(path: Any) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _unprocessable(f"bad path {path!r} in JSON patch")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _unprocessable(message: str) -> ApiError:
    return ApiError(422, f"the server rejected our request due to an error in our request: {message}")


def _lookup(document: Any, path: list[str]) -> Any:
    for part in path:
        try:
            document = document[_index(part, document)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, TypeError):
            raise _unprocessable(f"no value at /{'/'.join(path)}") from None
    return document


def _index(part: str, values: list[Any]) -> int:
    if not part.isdigit():
        raise _unprocessable(f"{part!r} is no index")
    if int(part) >= len(values):
        raise IndexError(part)
    return int(part)


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _lookup(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        place = len(parent) if last == "-" else int(last) if last.isdigit() and int(last) <= len(parent) else -1
        if place < 0:
            raise _unprocessable(f"no place {last!r} in the list")
        parent.insert(place, value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise _unprocessable(f"no object at /{'/'.join(path[:-1])}")
    return document


def _replace(document: Any, path: list[str], value: Any) -> Any:
    """A field that is not there is added, whatever RFC 6902 says: so has it the library that the API server uses."""
    if not path:
        return value
    parent = _lookup(document, path[:-1])
    if isinstance(parent, dict):
        parent[path[-1]] = value
        return document
    _lookup(document, path)
    return _add(_remove(document, path), path, value)


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        return {}
    _lookup(document, path)
    parent, last = _lookup(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document


def merge_patch(body: Any, patch: Any) -> Any:
    """The value after a JSON merge patch: null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return copy(patch)
    result = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_patch(body: Any, patch: Object, shape: Shape) -> Object:
    """The object after a strategic merge patch of a built-in kind (community design "strategic-merge-patch")."""
    if patch.get("$patch") == "replace":
        return copy({key: value for key, value in patch.items() if key != "$patch"})
    result = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [each for each in result.get(name) or [] if each not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic_patch(result.get(key), value, shape.of(key))
        elif isinstance(value, list):
            result[key] = _strategic_list(result.get(key) or [], value, shape.of(key))
        else:
            result[key] = value
    if "$retainKeys" in patch:
        return {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    return result


def _strategic_list(have: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    key, merges = shape.merge_key, "merge" in shape.strategy.split(",")
    if merges and not key:
        return [*have, *(each for each in patch if each not in have)]
    if not merges or any(isinstance(each, dict) and each.get("$patch") == "replace" for each in patch):
        return copy([each for each in patch if not (isinstance(each, dict) and each.get("$patch") == "replace")])
    result = list(have)
    for entry in patch:
        if not isinstance(entry, dict) or key not in entry:
            raise ApiError(400, f"map: {entry} does not contain declared merge key: {key}")
        places = [i for i, each in enumerate(result) if each.get(key) == entry[key]]
        if entry.get("$patch") == "delete":
            result = [each for i, each in enumerate(result) if i not in places]
        elif places:
            result[places[0]] = strategic_patch(result[places[0]], entry, shape.entry())
        else:
            result.append(copy(entry))
    return result

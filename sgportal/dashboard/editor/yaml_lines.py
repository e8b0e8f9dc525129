"""Where in a YAML text a JSON pointer points, so that the editor can mark the line of a problem."""

import yaml

from ...core.text import pointer


def line_of(text: str, where: str) -> int | None:
    """The line (from 1) of the key or entry at this pointer, or of its nearest ancestor; None for text that is no YAML.

    In a stream of several documents the pointer begins with the document's index.
    """
    try:
        documents = [node for node in yaml.compose_all(text, yaml.CSafeLoader) if node is not None]
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not documents:
        return None
    root = documents[0] if len(documents) == 1 else yaml.SequenceNode("", documents)
    return _line(root, where)


def _line(node: yaml.Node, where: str) -> int:
    line = node.start_mark.line + 1 if node.start_mark else 1
    for part in where.split("/")[1:]:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node, part: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if pointer(str(key.value)) == f"/{part}":
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        return node.value[int(part)].start_mark.line + 1, node.value[int(part)]
    return None

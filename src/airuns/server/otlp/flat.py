"""Attributes whose names are paths, as in llm.input_messages.0.message.role."""

from typing import Any, cast

Node = dict[str, Any]

MOST_STEPS = 12


def nested(attributes: dict[str, Any], *prefixes: str) -> dict[str, list[Any]]:
    """Return by prefix (which ends in a dot) the lists that the paths below it spell.

    Elements are in the order of their numbers; numbers that are left out are no elements.
    """
    roots: dict[str, Node] = {prefix: {} for prefix in prefixes}
    for name, value in attributes.items():
        if name.startswith(prefixes):
            for prefix in prefixes:
                if name.startswith(prefix):
                    _put(roots[prefix], name[len(prefix) :].split(".", MOST_STEPS), value)
    return {prefix: elements(root) for prefix, root in roots.items()}


def elements(node: Any) -> list[Any]:
    """Return what a node has below numbers, in their order."""
    if not isinstance(node, dict):
        return []
    numbered = {name: each for name, each in cast("Node", node).items() if name.isdecimal()}
    return [numbered[name] for name in sorted(numbered, key=int)]


def _put(node: Node, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        below = node.setdefault(step, {})
        if not isinstance(below, dict):
            return  # a name that is both a value and a path: the value was first
        node = cast("Node", below)
    node.setdefault(steps[-1], value)

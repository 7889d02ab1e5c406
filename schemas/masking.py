"""An event without what its reader may not see: a masked field is null, whatever its type. Pure, on the JSON form.

The classes of fields stand in ``[personal]`` of each ``topic.toml``: ``identifying`` and ``located``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from schemas.catalogue import load_catalogue

Tree = Mapping[str, Any]
"""Field → the tree within it; an empty tree masks the field whole."""


def masked(
    contract: str,
    shown: Mapping[str, Any],
    *,
    identifying: bool,
    located: bool,
    kept: Collection[str] = (),
) -> dict[str, Any]:
    """*shown*, the JSON form of an event of *contract*, without its identifying and its located fields.

    *identifying*, *located*: whether the reader may see fields of that class. *kept*: paths left in although their class
    is not seen. ``KeyError`` for an unknown contract: nothing of it is shown.
    """
    tree = _tree(contract, not identifying, not located, frozenset(kept))
    return _without(shown, tree) if tree else dict(shown)


@cache
def _tree(contract: str, identifying: bool, located: bool, kept: frozenset[str]) -> Tree:
    personal = load_catalogue()[contract].personal
    paths = [*(personal.identifying if identifying else ()), *(personal.located if located else ())]
    tree: dict[str, Any] = {}
    for path in paths:
        if path not in kept:
            inner = tree
            for name in path.split("."):
                inner = inner.setdefault(name, {})
    return tree


def _without(shown: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    found = dict(shown)
    for name, inner in tree.items():
        if name in found:
            found[name] = _within(found[name], inner) if inner else None
    return found


def _within(value: Any, tree: Tree) -> Any:
    if isinstance(value, list):
        return [_within(one, tree) for one in value]
    return _without(value, tree) if isinstance(value, Mapping) else value

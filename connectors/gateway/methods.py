"""The methods that a path takes: the framework's own answer to another names those of its first route alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.routing import BaseRoute, Match, Route


def allowed(routes: Iterable[BaseRoute], scope: dict[str, Any]) -> str:
    """The value of ``Allow`` for the path of *scope*: the methods of all *routes* of that path (RFC 9110, 10.2.1)."""
    found: set[str] = set()
    for one in routes:
        if isinstance(one, Route) and one.matches(scope)[0] is not Match.NONE:
            found |= one.methods or set()
    return ", ".join(sorted(found))

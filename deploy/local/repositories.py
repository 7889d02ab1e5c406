"""List the Maven repositories to download from, as this machine's ordinary clients are configured.

In this order: ``BONGSU_MAVEN`` (a URL), the mirror of central in the user's Maven settings, the repositories
in jgo's own settings, and last the one that jgo knows by itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from schemas.errors import Unreachable

MIRRORS_CENTRAL = {"*", "central", "external:*"}


def repositories() -> list[str]:
    """Base URLs without a slash at the end, in the order in which to try them."""
    if named := os.environ.get("BONGSU_MAVEN"):
        return [named.rstrip("/")]
    if mirror := _mirror(Path.home() / ".m2" / "settings.xml"):
        return [mirror]
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 (half a second that only fetching needs)
        from jgo.maven import MavenContext  # noqa: PLC0415 (as above)
    except ModuleNotFoundError as error:  # an installation for services lacks it
        raise Unreachable(
            "no repository to fetch from is known here: the package jgo is missing",
            hint="pip install jgo, or name a Maven repository in BONGSU_MAVEN",
        ) from error

    own: dict[str, str] = GlobalSettings.load().repositories
    return [url.rstrip("/") for url in [*own.values(), *MavenContext().remote_repos.values()]]


def _mirror(settings: Path) -> str | None:
    try:
        tree = ElementTree.parse(settings)  # noqa: S314 (the user's own file)
    except (OSError, ElementTree.ParseError):
        return None
    for mirror in tree.iterfind(".//{*}mirrors/{*}mirror"):
        of = {word.strip() for word in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        url = (mirror.findtext("{*}url") or "").strip()
        if url and of & MIRRORS_CENTRAL and "!central" not in of:
            return url.rstrip("/")
    return None

"""One thing that the rules see, with where it stands in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Entry(Struct, frozen=True, gc=False):
    """*topic* is the full name. *kind* is ``incident``, ``evidence``, ``place``, ``tick``, ``action``, ``notice`` or
    ``rules``."""

    kind: str
    topic: str
    partition: int
    offset: int
    value: Mapping[str, Any]

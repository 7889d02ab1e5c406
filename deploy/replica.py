"""The replica of a city's gateway that this process is, from the environment.

``BONGSU_REPLICA`` names it among the replicas of one city; absent, the gateway is the city's only one. ``BONGSU_SHARED_KEY``
is the secret that all replicas have, from which the keys of tickets and viewings are derived.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.faults import UsageFault

REPLICA, SHARED_KEY = "BONGSU_REPLICA", "BONGSU_SHARED_KEY"
NAME = re.compile(r"[a-z0-9-]{1,63}")
KEY_BYTES_MIN = 32
HINT = "make one with: openssl rand -hex 32; give the same to every replica, from a file or store of secrets"


@dataclass(frozen=True, slots=True)
class Replica:
    """*name*: ``None`` for the only gateway of a city. *shared_key*: ``None`` where keys are kept in the home folder."""

    name: str | None = None
    shared_key: bytes | None = field(default=None, repr=False)


ONLY = Replica()


def replica_from(environment: Mapping[str, str]) -> Replica:
    """The replica that *environment* names. ``UsageFault`` for a name or a key that cannot be, and a name without a key."""
    name = environment.get(REPLICA) or None
    if name is not None and NAME.fullmatch(name) is None:
        raise UsageFault(
            f"{REPLICA} is {name[:80]!r}: no name of a replica",
            hint="write 1 to 63 of the letters a to z, digits and '-', such as gateway-0",
        )
    told = environment.get(SHARED_KEY) or None
    if name is not None and told is None:
        raise UsageFault(
            f"{REPLICA} is set, and {SHARED_KEY} is not: replicas would sign tickets with different keys",
            hint=HINT,
        )
    return Replica(name, None if told is None else _key(told.strip()))


def _key(told: str) -> bytes:
    """The bytes of a key in hex or base64. Its text is in no message."""
    try:
        key = bytes.fromhex(told)
    except ValueError:
        try:
            padded = told + "=" * (-len(told) % 4)
            key = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
        except (binascii.Error, ValueError):
            raise UsageFault(f"{SHARED_KEY} is neither hex nor base64", hint=HINT) from None
    if len(key) < KEY_BYTES_MIN:
        raise UsageFault(f"{SHARED_KEY} has {len(key)} bytes: at least {KEY_BYTES_MIN} are needed", hint=HINT)
    return key

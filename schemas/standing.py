"""Differences between the registry's subjects and the catalogue."""

from __future__ import annotations

from itertools import zip_longest

from schemas.catalogue import Contract
from schemas.model import fingerprint
from schemas.registry import Registered


def differences(contract: Contract, there: Registered | None) -> list[str]:
    """Each difference as a sentence, oldest version first; empty when registry and catalogue agree.

    Schemas are compared, not their text: a registry may give back another spelling.
    """
    if there is None:
        return [f"not registered (v1 to v{len(contract.versions)} here)"]
    found = []
    for number, (here, registered) in enumerate(zip_longest(contract.versions, there.versions), 1):
        if registered is None:
            found.append(f"v{number} is not registered")
        elif here is None:
            found.append(f"v{number} is registered, and the catalogue has none")
        elif fingerprint(here) != fingerprint(registered):
            found.append(
                f"v{number} is another schema there ({fingerprint(registered)}, here {fingerprint(here)})"
            )
    if there.compatibility != contract.compatibility:
        found.append(f"compatibility is {there.compatibility or 'not set'}, here {contract.compatibility}")
    return found

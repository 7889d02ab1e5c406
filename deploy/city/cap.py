"""A city as a sender of CAP: its name there, how it sends, and the key that signs. Of ``[cap]`` in the city's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.formats.cap_out import HOUR_MS, Publisher
from connectors.formats.xml_signature import XmlSigner
from deploy.city.check import PEM
from deploy.city.model import CityFile
from deploy.faults import UsageFault

SIMULATED = frozenset({"simulated_calls"})
"""The types of source whose incidents nobody reported."""


def publisher_of(file: CityFile, language: str) -> Publisher:
    """The city of *file* as a sender of CAP; *language*: the one in which its alerts are told."""
    about = file.cap
    return Publisher(
        city=file.name,
        title=file.title or file.name,
        sender=file.cap_sender,
        timezone=ZoneInfo(file.timezone),
        language=language,
        languages=about.languages,
        lasts_ms=max(1_000, round(about.lasts_h * HOUR_MS)),
        public=frozenset(about.public),
        restrictions=about.restrictions,
        status=about.status or usual_status(file),
    )


def usual_status(file: CityFile) -> Literal["Actual", "Exercise"]:
    """Exercise where a live source is simulated, else Actual."""
    is_simulated = any(one.type in SIMULATED and one.live for one in file.source)
    return "Exercise" if is_simulated else "Actual"


def signer_of(about: dict[str, Any], city: str) -> Callable[[bytes], bytes] | None:
    """The signer of the city's messages; ``None`` without a key. *about*: ``[cap]``, its secrets filled in."""
    if (key := about.get("key")) is None:
        return None
    certificate = about.get("certificate")
    chain = None if certificate is None else _read(certificate, "certificate", city)
    return XmlSigner(_read(key, "key", city), chain).sign


def _read(said: str, name: str, city: str) -> bytes:
    """The PEM *said*, or the file that it names. The error names the setting, not what it holds."""
    if said.lstrip().startswith(PEM):
        return said.encode()
    try:
        return Path(said).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        raise UsageFault(
            f"city {city}: cap.{name} cannot be read: {why}",
            hint=f"write in [cap] the file of the {name}, in PEM; its path counts from the folder of the command",
        ) from None

"""The security of a process's connections to Kafka: its authority, its principal, and how it proves to be that.

``BONGSU_KAFKA_SECURITY`` names a file, in TOML; a file's name in it is relative to it::

    ca_file = "ca.crt"                        # the authority that signed the brokers' certificates
    principal = "demo.platform"               # SCRAM-SHA-512 over TLS
    password_file = "demo.platform.password"  # for its owner alone

or ``certificate_file`` (key and certificate in one) for TLS on both sides. ``bootstrap`` in it wins over any address:
it is for a listener that is kept apart. Without the variable, a home that is secure offers a file of its own (`use`).
"""

from __future__ import annotations

import os
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import Fatal

VARIABLE = "BONGSU_KAFKA_SECURITY"
MECHANISM = "SCRAM-SHA-512"
KNOWN = frozenset({"ca_file", "principal", "password_file", "certificate_file", "bootstrap"})
HINT = "write what streams/runtime/security.py names, or unset BONGSU_KAFKA_SECURITY"

_used: list[Path] = []
"""The file that this process uses where the environment names none: at most one."""


@dataclass(frozen=True, slots=True)
class Security:
    """One principal's way in. By *password* (SCRAM), or by the file *certificate*; both over TLS."""

    ca: str
    principal: str = ""
    password: str = field(default="", repr=False)
    certificate: str = ""
    bootstrap: str = ""

    @property
    def reader_group(self) -> str:
        """The group's name of a reader that commits nothing: one that the principal's rights cover."""
        city, dot, _ = self.principal.partition(".")
        return f"{city}.reader" if dot else READER_GROUP

    def settings(self) -> dict[str, Any]:
        """The same for librdkafka."""
        found = {"ssl.ca.location": self.ca}
        if self.bootstrap:
            found["bootstrap.servers"] = self.bootstrap
        if self.certificate:
            one = self.certificate
            return {
                **found,
                "security.protocol": "SSL",
                "ssl.certificate.location": one,
                "ssl.key.location": one,
            }
        return {
            **found,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.username": self.principal,
            "sasl.password": self.password,
        }

    def context(self) -> ssl.SSLContext:
        """The same for a socket of our own. It checks the broker's certificate and its name."""
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate)
        return context


READER_GROUP = "bongsu.reader"
"""The group's name of such a reader where nobody needs a principal."""


def use(file: Path | None) -> None:
    """Use *file* from now on in this process, where the environment names none."""
    _used[:] = [] if file is None else [file]


def used() -> Path | None:
    """The file that this process uses."""
    return _used[0] if _used else None


def security() -> Security | None:
    """The security of a client that is made now; ``None`` where none was configured. Files are read each time, so that
    a new password holds for the next client."""
    if named := os.environ.get(VARIABLE):
        return security_of(Path(named).expanduser())
    return security_of(_used[0]) if _used else None


def reader_group() -> str:
    """The group's name of a reader that commits nothing."""
    one = security()
    return READER_GROUP if one is None else one.reader_group


def secured(settings: Mapping[str, Any]) -> dict[str, Any]:
    """librdkafka's *settings* with those of our security."""
    one = security()
    return {**settings, **({} if one is None else one.settings())}


def security_of(file: Path) -> Security:
    """The security that *file* describes. ``Fatal`` names the file, and never what a secret holds."""
    told = _read(file)
    if unknown := sorted(set(told) - KNOWN):
        raise Fatal(f"{file} has {unknown[0]}, which is no setting of Kafka's security", hint=HINT)
    if wrong := sorted(name for name, value in told.items() if not isinstance(value, str) or not value):
        raise Fatal(f"{file}: {wrong[0]} is no text", hint=HINT)
    by_password = {"principal", "password_file"} <= set(told)
    if "ca_file" not in told or by_password == ("certificate_file" in told):
        raise Fatal(
            f"{file} needs ca_file, and either principal and password_file or certificate_file", hint=HINT
        )
    place = file.parent
    return Security(
        ca=str(_there(place / told["ca_file"])),
        principal=told.get("principal", ""),
        password=_secret(place / told["password_file"]) if by_password else "",
        certificate="" if by_password else str(_there(place / told["certificate_file"])),
        bootstrap=told.get("bootstrap", ""),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fatal(f"Kafka's security: {file} cannot be read: {error.strerror}", hint=HINT) from error
    except ValueError:  # its text may hold a secret that was put into the wrong file: no cause is shown
        raise Fatal(f"Kafka's security: {file} is no TOML", hint=HINT) from None


def _secret(file: Path) -> str:
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise Fatal(
            f"Kafka's security: {file} cannot be read: {type(error).__name__}", hint=HINT
        ) from None  # as above
    if not found:
        raise Fatal(f"Kafka's security: {file} holds no password", hint=HINT)
    return found


def _there(file: Path) -> Path:
    if not file.is_file():
        raise Fatal(f"Kafka's security: {file} is not there", hint=HINT)
    return file

"""The protocol of the cluster's three components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.artefacts import Artefact, Progress
from deploy.local.home import Home


@dataclass(frozen=True, slots=True)
class Ground:
    """The input to start a component: the home, the chosen ports, and the files fetched into *cache*. *secure*: it lets
    nobody in without a password."""

    home: Home
    ports: Mapping[str, int]
    artefacts: Sequence[Artefact]
    cache: Path
    progress: Progress
    secure: bool = False


class Component(Protocol):
    """One component of the cluster: Kafka, the registry, or Redis."""

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of the ports it listens on, all on loopback."""

    def command(self, ground: Ground) -> list[str]:
        """Write its settings, prepare its data, and return the command to start."""

    def answers(self, place: str) -> bool:
        """Whether it answers a client's request at *place*; decided in about two seconds."""

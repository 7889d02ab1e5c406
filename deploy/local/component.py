"""What the cluster asks of each of its three parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.artefacts import Artefact, Progress
from deploy.local.home import Home


@dataclass(frozen=True, slots=True)
class Ground:
    """What a part is started from: its home, the ports chosen, and what was fetched (into *cache*)."""

    home: Home
    ports: Mapping[str, int]
    artefacts: Sequence[Artefact]
    cache: Path
    progress: Progress


class Component(Protocol):
    """One part of the cluster: Kafka, the registry, or Redis."""

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of the ports it listens on, all on loopback."""

    def command(self, ground: Ground) -> list[str]:
        """Write its settings, make its data ready, and return the program to start."""

    def answers(self, place: str) -> bool:
        """Whether it does its work at *place*, asked as a client would; decided in about two seconds."""

"""The settings of the stage of chargers, as the city's file and its list of chargers give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.subjects.charger_keys import charger_key, is_key, session_secret
from connectors.subjects.charger_list import ListedCharger
from connectors.subjects.charging_sessions import Charger


@dataclass(frozen=True, slots=True)
class ChargersSettings:
    """*source*: the name under which they speak. *slot*: this process among several, empty for the only one. *serials*: of
    keys that were renewed. *refused*: ids of those that are shut out."""

    city: str
    source: str
    host: str
    port: int
    chargers: Mapping[str, ListedCharger]
    secret: str = field(repr=False)
    slot: str = ""
    interval_s: int = 300
    connections_max: int = 2_000
    refused: frozenset[str] = frozenset()
    serials: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_in_the_open(self) -> bool:
        """Whether it listens beyond loopback."""
        return not (self.host in ("localhost", "::1") or self.host.startswith("127."))

    def key_of(self, charger_id: str) -> str:
        """The key of a charger."""
        return charger_key(self.secret, self.city, charger_id, serial=self.serials.get(charger_id, 0))

    def is_key(self, header: str | None, charger_id: str) -> bool:
        """Whether HTTP's Authorization is that of the charger."""
        return is_key(header, charger_id, self.key_of(charger_id))

    def charger(self, listed: ListedCharger) -> Charger:
        """The charger of the list, as its calls are read."""
        place = None
        if listed.place is not None:
            place = {"lat": listed.place[0], "lon": listed.place[1], "accuracy_m": None}
        return Charger(listed.charger_id, listed.operator, session_secret(self.secret, self.city), place)

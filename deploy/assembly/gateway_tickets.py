"""Assemble the gateway's tickets for video: the grants in force, the access log, and the keys that sign."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from connectors.gateway import tickets
from connectors.gateway.access import Grants
from connectors.gateway.service import Gateway
from connectors.gateway.shared_ticket_keys import SharedTicketKeys
from connectors.gateway.ticket_keys import Keys, TicketKeys
from connectors.gateway.tickets import Tickets
from connectors.gateway.viewings import Refusals
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.gateway_place import gateway_folder
from deploy.city.city import City
from deploy.platform import Platform
from deploy.replica import ONLY, Replica
from streams.operators.access import LogAccess
from streams.operators.granted import KnownGrants
from streams.runtime.follower import Following
from streams.runtime.kafka import Fenced


def keys_of(city: City, replica: Replica) -> Keys:
    """Keys derived from the replicas' shared key; without one those in the home folder."""
    if replica.shared_key is not None:
        return SharedTicketKeys(replica.shared_key, city.name)
    return TicketKeys(gateway_folder(city) / "tickets")


class TicketPart:
    """The tickets of one city's gateway, and what they read and write."""

    def __init__(
        self,
        city: City,
        platform: Platform,
        following: Following,
        *,
        replica: Replica = ONLY,
        before: Callable[[], object],
        fenced: Callable[[Fenced], object],
    ) -> None:
        grants, refusals = Grants(), Refusals()
        KnownGrants(city.name, grants, following, wire=platform.wire, now_ms=wall_clock_ms)
        self.log = LogAccess(
            city.name,
            grants,
            refusals,
            bootstrap=platform.kafka,
            wire=platform.wire,
            now_ms=wall_clock_ms,
            replica=replica.name,
            before=before,
            fenced=fenced,
        )
        life_s = city.file.gateway.ticket_s
        self._tickets = Tickets(grants, self.log, keys_of(city, replica), refusals, life_s, replica.name)

    def add(self, app: FastAPI, gateway: Gateway) -> None:
        tickets.add(app, gateway, self._tickets)

    def start(self) -> None:
        self.log.start()

    def end(self) -> None:
        self.log.end()

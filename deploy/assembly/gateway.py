"""Assemble the gateway: a city's pushed sources, the spool, the drains, the operators' desk, and HTTP."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from fastapi import FastAPI

from connectors.gateway.accounts import Accounts
from connectors.gateway.app import app_of
from connectors.gateway.deliveries import add as add_deliveries
from connectors.gateway.examination import PushedSource
from connectors.gateway.health import add as add_health
from connectors.gateway.service import Gateway
from connectors.gateway.subscriptions import add as add_subscriptions
from connectors.gateway.trouble import worst
from connectors.imports import BrokenConnector
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.gateway_bookings import bookings_of
from deploy.assembly.gateway_cap import cap_of
from deploy.assembly.gateway_cases import CasePart
from deploy.assembly.gateway_closures import closure_part, closures_of
from deploy.assembly.gateway_console import console_of
from deploy.assembly.gateway_health import health_of
from deploy.assembly.gateway_hubs import HubPart
from deploy.assembly.gateway_live import live_hub
from deploy.assembly.gateway_oidc import oidc_of
from deploy.assembly.gateway_place import gateway_url, kept_port, spool_of
from deploy.assembly.gateway_reads import accesses_of, figures_of, readings_of, recorded_of
from deploy.assembly.gateway_sessions import console_url, signs_of
from deploy.assembly.gateway_socket import END_S, allow_files, listen, server_of
from deploy.assembly.gateway_subscriptions import subscriptions_of
from deploy.assembly.gateway_surplus import surplus_of
from deploy.assembly.gateway_tickets import TicketPart
from deploy.assembly.heap import collect_seldom
from deploy.assembly.ingest import ingest_of
from deploy.assembly.once import once
from deploy.assembly.stages import pushed_sources
from deploy.city.city import City
from deploy.city.rules_file import RulesFile
from deploy.platform import Platform
from deploy.replica import ONLY, Replica
from deploy.settings import home_folder
from deploy.sharing.gateway_agreements import CityAgreements
from deploy.topics import ensure_topics
from schemas.errors import BongsuError, Fatal
from streams.ingest.drain import Drain
from streams.log import facts_of, log
from streams.metrics import watch_disk
from streams.operators.accounts import KnownAccounts
from streams.operators.desk import LogDesk
from streams.runtime.follower import Following
from streams.runtime.kafka import ANOTHER, Fenced
from streams.runtime.worker import Worker

FILES_MAX = 8_192
"""Each connection is an open file: a shell's usual 1,024 are too few for the connections allowed at once."""
FENCED_S = 2.0
"""The time for which a fenced gateway still answers with that error before it ends."""
WATCH_S = 1.0
SWITCH_S = 0.0005
"""The interpreter's switch interval: with Python's 5 ms, drains delay a response by several turns, seen at p99."""
SWITCH_BESIDE_S = 0.02
"""The same in a process that has all stages of a city: a dozen threads that take turns each 5 ms wait for one another. From
an incident to its webhook at 20 a second p99 was 0.49 s with 5 ms and 0.25 s with 20 ms, side by side; 0.5 ms was worst."""


class CityGateway:
    """One city's gateway, with its drains. It starts, and takes pushes, without Kafka. *has_doors*: false for a console."""

    def __init__(
        self, city: City, platform: Platform, replica: Replica = ONLY, *, has_doors: bool = True
    ) -> None:
        about = city.file.gateway
        port = about.port or kept_port(city, replica.name)
        self._replica = replica.name
        self._is_in_the_open = about.is_in_the_open
        self._place = (about.host, port)
        self.fault: BongsuError | None = None
        self.is_over = False
        self.url = gateway_url(city, replica.name)
        self.console_url = console_url(self.url)
        self._spool = spool_of(city, replica, has_doors=has_doors)
        prepare = once(lambda: ensure_topics(platform.kafka, [city.name]))
        accounts = Accounts()
        self._following = Following("following", bootstrap=platform.kafka, before=prepare)
        self._known = KnownAccounts(city.name, accounts, self._spool, self._following, wire=platform.wire)
        rules = RulesFile(city)
        self._desk = LogDesk(
            city.name,
            lambda: rules.now(time.time()),
            self._following,
            bootstrap=platform.kafka,
            wire=platform.wire,
            now_ms=wall_clock_ms,
        )
        self._readings = readings_of(city.name, platform, rules, self._following)
        self._health = health_of(city, platform, self._following)
        self._tickets = TicketPart(
            city, platform, self._following, replica=replica, before=prepare, fenced=self._on_fenced
        )
        self._cases = CasePart(city, platform, self._following, self._tickets.log, replica=replica)
        self._closures = closures_of(city.name, platform, self._following)
        self._hubs = HubPart(
            city, platform, self._following, replica=replica, before=prepare, closures=self._closures
        )
        self._signs = signs_of(city, replica, self._tickets.log)
        self._drains: list[Drain] = []
        self._live = live_hub(
            city, platform, before=prepare, is_ending=lambda: self.is_over or self._server.should_exit
        )
        self._gateway = Gateway(
            city.name,
            self._all_pushed(city, platform, prepare) if has_doors else {},
            accounts,
            self._spool,
            wall_clock_ms,
            trouble=lambda: self._known.trouble,
            unpublished=lambda: worst([drain.trouble for drain in self._drains]),
            body_bytes_max=about.body_bytes_max,
            desk=self._desk,
            readings=self._readings,
            is_proxy=about.is_proxy,
            live=self._live,
            takes_pushes=has_doors,
            sessions=self._signs.sessions,
            signs=self._signs,
            agreements=CityAgreements(city.name),
            purposes=lambda: {use.purpose for use in rules.now(time.time()).law.uses.values()},
        )
        self._server = server_of(self._app(city, platform, prepare), about, port)

    def _app(self, city: City, platform: Platform, prepare: Callable[[], None]) -> FastAPI:
        """The gateway with all its parts, the console among them."""
        subscriptions = subscriptions_of(city, platform, self._gateway.accounts, self._following)
        parts: list[Callable[[FastAPI, Gateway], object]] = [
            self._tickets.add,
            self._cases.add,
            bookings_of(city.name, platform, self._following),
            surplus_of(city, platform, self._following),
            closure_part(self._closures),
            partial(add_subscriptions, desk=subscriptions),
            partial(add_deliveries, readings=self._readings, receivers=subscriptions),
            partial(add_health, health=self._health),
            figures_of(city, platform, self._following),
            self._hubs.add,
            *oidc_of(city, platform, self.url),
            recorded_of(city.name, platform, prepare),
            accesses_of(city.name, platform, self._following, self._signs, self._tickets.log),
            console_of(city),
        ]
        return app_of(self._gateway, cap_of(city, platform, self._following), parts)

    def _all_pushed(
        self, city: City, platform: Platform, prepare: Callable[[], None]
    ) -> dict[str, PushedSource]:
        """The pushed sources by name. One whose connector is broken is left out and told."""
        found = {}
        for name in pushed_sources(city):
            try:
                found[name] = self._pushed(name, city, platform, prepare)
            except BrokenConnector as error:
                log.error("source left out", source=name, **facts_of(error))
        return found

    def _pushed(self, name: str, city: City, platform: Platform, prepare: Callable[[], None]) -> PushedSource:
        """The pushed source *name*, with a drain of its own."""
        reader = city.load(name)
        ingest = ingest_of(city, platform, name, reader, replica=self._replica)
        drain = Drain(name, ingest, self._spool, before=prepare, fenced=self._on_fenced)
        self._drains.append(drain)
        return PushedSource(
            name,
            reader,
            place=lambda: dict(drain.place),
            wake=drain.wake,
            encoded=partial(platform.wire.encoded_offline, city.name),
            is_stopped=lambda: drain.is_stopped,
            over=lambda: drain.over,
            agencies=city.agencies_of(name),
        )

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM. Requests under way are answered; waiting pushes stay in the spool. Raises
        ``Fenced`` when another gateway has taken over."""
        sys.setswitchinterval(SWITCH_S)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        with self._running() as listening:
            self._server.run([listening])
        if self.fault is not None:
            raise self.fault

    def _on_sigterm(self, _number: int, _frame: object) -> None:
        """End without an error. uvicorn handles SIGTERM while it serves and raises it again at its end, to this handler."""
        self._server.should_exit = True

    @contextmanager
    def beside(self, worker: Worker) -> Iterator[None]:
        """Serve in a thread beside *worker*, which ends when another gateway has taken over."""
        sys.setswitchinterval(SWITCH_BESIDE_S)
        worker.add_service(_Watch(self))
        self._gateway.is_beside = True
        with self._running() as listening:
            thread = threading.Thread(target=self._serve, args=[listening], name="gateway", daemon=True)
            thread.start()
            try:
                yield
            finally:
                self._server.should_exit = True
                thread.join(END_S)

    @property
    def is_serving(self) -> bool:
        return self._server.started

    def _serve(self, listening: socket.socket) -> None:
        try:
            asyncio.run(self._server.serve([listening]))
        finally:
            self.is_over = True

    def _start(self) -> None:
        allow_files(FILES_MAX)
        watch_disk(home_folder())
        if self._is_in_the_open:
            log.warning(
                "the gateway accepts keys as plain text from any network",
                url=self.url,
                how_to_mend="give tls_certificate and tls_key in [gateway], or name its proxy with TLS: trusted_proxies",
            )
        self._known.load()
        self._following.start()
        self._tickets.start()
        self._cases.start()
        self._live.start()
        for drain in self._drains:
            drain.start()
        collect_seldom()
        log.info("gateway", url=self.url, sources=",".join(drain.name for drain in self._drains))

    @contextmanager
    def _running(self) -> Iterator[socket.socket]:
        """Bind the address first: a process that cannot have it must end before it fences another gateway's producers."""
        with listen(*self._place) as listening:
            self._start()
            try:
                yield listening
            finally:
                self._end()

    def _on_fenced(self, error: Fenced) -> None:
        """End after ``FENCED_S``: another gateway has fenced us. Until then requests are refused with that reason."""
        if self.fault is None:
            self.fault = Fenced(f"gateway: {error.what}", hint=ANOTHER)
            threading.Timer(FENCED_S, self._leave).start()

    def _leave(self) -> None:
        self.is_over = True
        self._server.should_exit = True

    def _end(self) -> None:
        for drain in self._drains:
            drain.end()
        self._live.end()
        self._cases.end()
        self._tickets.end()
        self._following.end()
        self._health.end()
        self._hubs.end()
        self._spool.close()


class _Watch:
    """A service of the worker beside which the gateway runs: it fails when the gateway ends."""

    name = "gateway"

    def __init__(self, gateway: CityGateway) -> None:
        self._gateway = gateway

    @property
    def is_ready(self) -> bool:
        return self._gateway.is_serving and self._gateway.fault is None

    async def run(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self._gateway.is_over:
                raise self._gateway.fault or Fatal("the gateway ended by itself")

"""Readers and dispatchers at the gateway of the simulated Jeju: what they ask it over HTTP, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from typing import Any

import httpx

from connectors.gateway.accounts import USER, new_user, with_new_secret
from connectors.transport.web_page import wall_clock_ms
from deploy.account_rows import end_of, publish, rows_of
from deploy.assembly.gateway_place import gateway_url
from deploy.city.city import City
from deploy.demo.island import CONTESTED
from deploy.platform import Platform

HUBS, GBFS, ASSIGN = "GET hubs", "GET gbfs", "POST assign"
"""Names under which answers are told, beside the contracts of topics."""
TOWN = {"near": "33.5,126.53", "radius_m": "2000"}
READS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (HUBS, "hubs", TOWN),
    (GBFS, "gbfs/station_status.json", {}),
)
DISPATCHERS = ("demo-dispatcher-1", "demo-dispatcher-2")
VANS = ("van-2", "van-7")
"""The van that each would send."""
EVERY_S, ASK_S, END_S = 2.0, 5.0, 6
HEARD_MAX = 1_000

Heard = tuple[str, dict[str, Any], str]
"""The name, the answer with ``received_time``, and the request, by which it can be asked again."""


def key_of_dispatcher(platform: Platform, city: City, name: str) -> str:
    """A key for the operator *name*, good for a day; one before it holds no more."""
    now_ms = wall_clock_ms()
    known = next((row for row in rows_of(platform, city, USER).values() if row["name"] == name), None)
    if known is None:
        purposes = {use.purpose for use in city.rules.law.uses.values()}
        key, event = new_user(
            city.name, name, "operator", now_ms=now_ms, purposes=purposes, expires_at=end_of(1, now_ms)
        )
    else:
        lasting = {**known, "expires_at": end_of(1, now_ms), "revoked_at": None}
        key, event = with_new_secret(city.name, lasting, now_ms=now_ms)
    publish(platform, city, event)
    return key


class IslandDesk:
    """Asks until *over*, with the keys of two dispatchers. Answers wait to be heard, so many at most."""

    def __init__(self, url: str, city: str, keys: Sequence[str], over: threading.Event) -> None:
        self._askers = [
            httpx.Client(
                base_url=f"{url}/v1/{city}/",
                headers={"Authorization": f"Bearer {key}"},
                timeout=ASK_S,
                trust_env=False,
            )
            for key in keys
        ]
        self._city, self._over = city, over
        self._heard: Queue[Heard] = Queue(HEARD_MAX)
        self._tried = ""

    def heard(self) -> Iterator[Heard]:
        """The answers since the last call."""
        with suppress(Empty):
            while True:
                yield self._heard.get_nowait()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            with suppress(httpx.TransportError):  # the gateway is starting, or busy
                for name, path, asked in READS:
                    answer = self._askers[0].get(path, params=asked)
                    if answer.status_code == 200:
                        self._tell(name, answer.json(), f"GET {answer.url.raw_path.decode()}")
                self._dispatch()
        for one in self._askers:
            one.close()

    def _dispatch(self) -> None:
        """Both dispatchers assign the ride that waits for them, at once, as each saw it."""
        answer = self._askers[0].get("bookings", params={"state": "requested"})
        rides = answer.json()["bookings"] if answer.status_code == 200 else []
        ride = next((one for one in rides if one["booking_id"].startswith(CONTESTED)), None)
        if ride is None or ride["booking_id"] == self._tried:
            return
        self._tried = ride["booking_id"]
        path = f"bookings/{self._tried}/assign"
        with ThreadPoolExecutor(len(VANS)) as both:
            answers = both.map(
                lambda one: one[0].post(path, json={"vehicle_id": one[1], "revision": ride["revision"]}),
                zip(self._askers, VANS, strict=True),
            )
            told = [{"status": one.status_code, **one.json()} for one in answers]
        self._tell(
            ASSIGN, {"booking_id": self._tried, "answers": told}, f"POST /v1/{self._city}/{path}, twice"
        )

    def _tell(self, name: str, answer: dict[str, Any], request: str) -> None:
        with suppress(Full):  # nobody listens: the board has no lines of this
            told = dict(answer, received_time=wall_clock_ms())  # an answer of HTTP, no event
            self._heard.put_nowait((name, told, request))


@contextmanager
def desk_running(city: City, keys: Sequence[str]) -> Iterator[IslandDesk]:
    """Run it in a thread."""
    over = threading.Event()
    desk = IslandDesk(gateway_url(city), city.name, keys, over)
    thread = threading.Thread(target=desk.run, name="desk", daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        over.set()
        thread.join(END_S)

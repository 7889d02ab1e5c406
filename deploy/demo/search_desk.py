"""An officer and an operator at the gateway of the simulated Bucheon: a case is opened, and candidates are answered.

The operator is played by the demo, which knows from the simulation which sighting is whose: each answer is right, two a
second at most. Nothing of that truth goes to the platform but the answers. One confirmation is not always enough: what was
confirmed and is not in the route yet is looked at once more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from queue import Empty, Full, Queue
from typing import Any

import httpx

from connectors.gateway.accounts import USER, new_user, with_new_secret
from connectors.simulation.lost_child import ALIKE, CHILD_LOOKS, LostChild
from connectors.transport.web_page import wall_clock_ms
from deploy.account_rows import end_of, publish, rows_of
from deploy.assembly.gateway_place import gateway_url
from deploy.city.city import City
from deploy.demo.search_script import town_of
from deploy.platform import Platform

PURPOSE = "missing-person"
OFFICER, AGENCY = "demo-officer", "112"
REFUSED, OPENED, CANDIDATES, ANSWER = "POST cases, refused", "POST cases", "GET candidates", "POST answers"
SECOND, ROUTE, CLOSED, GONE = "GET candidates, confirmed", "GET route", "POST close", "GET candidates, closed"
"""Names under which answers are told, beside the contracts of topics."""
EVERY_S, ASK_S, END_S = 0.5, 5.0, 6
HEARD_MAX = 1_000
REMEMBERED_MAX = 5_000
CREATED, ACCEPTED, OK, FORBIDDEN, NOT_FOUND = 201, 202, 200, 403, 404
UNTIL_H = 6

Heard = tuple[str, dict[str, Any], str]
"""The name, the answer with ``received_time``, and the request."""
Asked = dict[str, Any]
Seen = tuple[str, str | None]
"""A camera, and what it calls the person."""


def key_of_officer(platform: Platform, city: City) -> str:
    """A key of a police officer, good for a day; one before it holds no more."""
    now_ms = wall_clock_ms()
    known = next((row for row in rows_of(platform, city, USER).values() if row["name"] == OFFICER), None)
    if known is None:
        key, event = new_user(
            city.name,
            OFFICER,
            "operator",
            now_ms=now_ms,
            audience=AGENCY,
            purposes=[PURPOSE],
            expires_at=end_of(1, now_ms),
        )
    else:
        lasting = {**known, "expires_at": end_of(1, now_ms), "revoked_at": None}
        key, event = with_new_secret(city.name, lasting, now_ms=now_ms)
    publish(platform, city, event)
    return key


def case_of_child(town: LostChild, left_ms: int) -> Asked:
    """The case as an officer opens it: what the mother tells, and the streets around."""
    lat, lon = town.grid.at(town.playground)
    left = datetime.fromtimestamp(left_ms / 1000, UTC)
    corners = [(-1, -1), (town.grid.columns, -1), (town.grid.columns, town.grid.rows), (-1, town.grid.rows)]
    ring = [[at[1], at[0]] for at in map(town.grid.at, [*corners, corners[0]])]
    return {
        "agency_case_no": f"2026-{left_ms // 1000}",
        "ground": "under_18",
        "requester": "순찰 3",
        "category": "child",
        "area": {"type": "Polygon", "coordinates": [ring]},
        "from_time": _iso(left),
        "until_time": _iso(left + timedelta(hours=UNTIL_H)),
        "last_seen": {"seen_at": _iso(left), "position": {"lat": lat, "lon": lon, "accuracy_m": 30.0}},
        "attributes": [
            {"name": name, "word": word, "confidence": 0.95} for name, word in CHILD_LOOKS.items()
        ],
        "photo_ref": None,
    }


def case_of_adult(town: LostChild, left_ms: int) -> Asked:
    """The same of an adult, for whom the act has no ground."""
    case = case_of_child(town, left_ms)
    return {**case, "agency_case_no": f"{case['agency_case_no']}-a", "ground": "other", "category": "adult"}


def answer_to(candidate: Mapping[str, Any], child: Collection[Seen]) -> str:
    """The right answer to a candidate."""
    return "confirm" if (candidate["camera_id"], candidate["track_id"]) in child else "reject"


def is_found(hops: Collection[Mapping[str, Any]], town: LostChild) -> bool:
    """Whether the route reaches the camera beside which the child stands: its last recorded sighting is a hop."""
    return any(hop["camera_id"] == town.of_child[-1].camera.camera_id for hop in hops)


class SearchDesk:
    """Opens one case and answers its candidates until the child is found. Answers wait to be heard, so many at most."""

    def __init__(
        self, client: httpx.Client, seed: int, left_ms: Callable[[], int], over: threading.Event
    ) -> None:
        """*client*: of the city's part of the gateway. *left_ms*: when the child left."""
        self._client, self._town, self._left_ms, self._over = client, town_of(seed), left_ms, over
        self._child = {(one.camera.camera_id, str(one.object_id)) for one in self._town.of_child}
        seen = self._town.seen(0, self._town.end_s + 1)
        self._alike = {(one.camera.camera_id, str(one.object_id)) for one in seen if one.who == ALIKE}
        self._heard: Queue[Heard] = Queue(HEARD_MAX)
        self._answered: dict[str, int] = {}
        self._case: str | None = None
        self.is_done = False

    def heard(self) -> Iterator[Heard]:
        """The answers since the last call."""
        with suppress(Empty):
            while True:
                yield self._heard.get_nowait()

    def run(self, begun: threading.Event) -> None:
        """Work until *over*, from the first round on."""
        while not self._over.wait(EVERY_S):
            if begun.is_set() and not self.is_done:
                with suppress(httpx.TransportError):  # the gateway is starting, or busy
                    self.step()
        self._client.close()

    def step(self) -> None:
        """One turn: the case is opened, or the best candidate answered, or the case closed."""
        if self._case is None:
            self._open()
            return
        route = self._get("route", ROUTE).get("route") or {}
        hops = route.get("hops", ())
        if is_found(hops, self._town):
            self._close()
            return
        in_route = {one["candidate_id"] for one in hops}
        doubted = self._next("candidates?state=confirmed", SECOND, but=in_route)
        best = doubted or self._next("candidates", CANDIDATES)
        if best is not None:
            self._answer(best)

    def _open(self) -> None:
        """An adult without a ground first, which the law refuses; then the child."""
        left_ms = self._left_ms()
        refused = self._client.post("cases", json=case_of_adult(self._town, left_ms))
        if refused.status_code == FORBIDDEN:
            self._tell(REFUSED, refused, "POST", "cases")
        opened = self._client.post("cases", json=case_of_child(self._town, left_ms))
        if opened.status_code == CREATED:
            self._case = opened.json()["case_id"]
            self._tell(OPENED, opened, "POST", "cases")

    def _get(self, part: str, name: str) -> dict[str, Any]:
        path = f"cases/{self._case}/{part}"
        answer = self._client.get(path)
        if answer.status_code != OK:
            return {}
        self._tell(name, answer, "GET", path)
        found: dict[str, Any] = answer.json()
        return found

    def _next(self, path: str, name: str, but: Collection[str] = ()) -> Mapping[str, Any] | None:
        """The first of those at *path*, as the gateway ranks them, that was not answered as it is now."""
        waiting = (
            one
            for one in self._get(path, name).get("candidates", ())
            if one["candidate_id"] not in but and self._answered.get(one["candidate_id"]) != one["revision"]
        )
        return next(waiting, None)

    def _answer(self, candidate: Mapping[str, Any]) -> None:
        path = f"cases/{self._case}/candidates/{candidate['candidate_id']}/answers"
        its = {"answer": answer_to(candidate, self._child), "revision": candidate["revision"]}
        answer = self._client.post(path, json=its)
        if answer.status_code != ACCEPTED:  # it has changed since: it is looked at again
            return
        if len(self._answered) >= REMEMBERED_MAX:
            self._answered.clear()
        self._answered[candidate["candidate_id"]] = candidate["revision"]
        seen = (candidate["camera_id"], candidate["track_id"])
        self._tell(
            ANSWER, answer, "POST", path, said=its["answer"], camera_id=seen[0], is_alike=seen in self._alike
        )

    def _close(self) -> None:
        path = f"cases/{self._case}/close"
        closed = self._client.post(path, json={"reason": "found"})
        if closed.status_code != OK:
            return
        self._tell(CLOSED, closed, "POST", path)
        path = f"cases/{self._case}/candidates"
        gone = self._client.get(path)
        self._tell(GONE, gone, "GET", path)
        self.is_done = True

    def _tell(self, name: str, answer: httpx.Response, method: str, path: str, **more: Any) -> None:
        body = answer.json() if answer.content else {}
        told = dict(
            body, **more, http=answer.status_code, received_time=wall_clock_ms()
        )  # an answer of HTTP, no event
        with suppress(Full):  # nobody listens: the board has no lines of this
            self._heard.put_nowait((name, told, f"{method} {self._client.base_url.path}{path}"))


@contextmanager
def search_running(
    city: City, key: str, seed: int, begun: threading.Event, left_ms: Callable[[], int]
) -> Iterator[SearchDesk]:
    """Run it in a thread, with the *key* of an officer."""
    over = threading.Event()
    client = httpx.Client(
        base_url=f"{gateway_url(city)}/v1/{city.name}/",
        headers={"Authorization": f"Bearer {key}"},
        timeout=ASK_S,
        trust_env=False,
    )
    desk = SearchDesk(client, seed, left_ms, over)
    thread = threading.Thread(target=desk.run, args=(begun,), name="search", daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        over.set()
        thread.join(END_S)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")

"""Gateways that keep missing persons' cases at one log in memory, with real keys on disk and a clock to be moved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson

from connectors.gateway import case_reads, cases
from connectors.gateway.accounts import Accounts, new_user
from connectors.gateway.app import app_of
from connectors.gateway.case_right import CaseRight
from connectors.gateway.service import Gateway
from connectors.gateway.spool import Spool
from connectors.transport.case_keys import CaseKeys
from deploy.assembly.gateway_cases import recorded
from deploy.laws import case_law_named
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event, event_fields
from schemas.rows import RowCodec
from streams.cases.case_names import case_name
from streams.cases.sealing import is_sealed, sealed
from streams.operators.case_log import LogCases
from streams.runtime.follower import Following
from streams.runtime.records import Record
from tests.unit.gateway.a_ticket_log import Log
from tests.unit.gateway.an_app import NOON_MS
from tests.unit.gateway.test_ride_desk import JsonWire

CITY, HOUR = "springfield", 3_600_000
AREA = {
    "type": "Polygon",
    "coordinates": [[[126.75, 37.49], [126.8, 37.49], [126.8, 37.53], [126.75, 37.49]]],
}
BODY: dict[str, Any] = {
    "agency_case_no": "canary-number-17",
    "ground": "dementia",
    "requester": "canary-unit-3",
    "area": AREA,
    "from_time": "2026-01-01T00:00:00Z",
    "until_time": "2199-01-01T00:00:00Z",
    "last_seen": {"seen_at": "2026-01-01T00:00:00+09:00", "position": {"lat": 37.5, "lon": 126.77}},
    "attributes": [{"name": "upper_colour", "word": "red"}],
    "photo_ref": "canary-photo-1",
}
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "police": {"role": "operator", "audience": "112", "purposes": ["missing-person"]},
    "chief": {"role": "supervisor", "audience": "112", "purposes": ["missing-person"]},
    "coast-guard": {"role": "operator", "audience": "122", "purposes": ["missing-person"]},
    "no-purpose": {"role": "operator", "audience": "112"},
    "fire": {"role": "operator", "audience": "119", "purposes": ["missing-person"]},
    "everybody": {"role": "supervisor", "audience": "*", "purposes": ["missing-person"]},
    "viewer": {"role": "viewer", "audience": "112", "purposes": ["missing-person"]},
    "auditor": {"role": "auditor", "audience": "112", "purposes": ["missing-person"]},
    "administrator": {"role": "administrator", "audience": None, "purposes": ["missing-person"]},
}


@dataclass
class CaseCity:
    """Two gateways, one log. *fails*: nothing can be written; *late*: the gateways whose reading stands still."""

    keys: dict[str, str]
    case_keys: CaseKeys
    spool: Spool
    law: str
    accounts: Accounts
    now_ms: int = NOON_MS
    records: list[Record] = field(default_factory=list)
    desks: list[LogCases] = field(default_factory=list)
    apps: list[Any] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    fails: bool = False
    access: Log = field(init=False)

    def __post_init__(self) -> None:
        self.access = Log(lambda: self.now_ms)

    def publish(self, event: Event) -> None:
        if self.fails:
            raise Retriable("no broker")
        assert is_sealed(event), event.topic
        RowCodec(load_catalogue()[event.topic].newest).encode(dict(event.value or {}))
        offset, value = len(self.records), orjson.dumps(event.value)
        topic = f"{CITY}.{event.topic}"
        self.records.append(Record(topic, 0, offset, self.now_ms, event.key.encode(), value, {}))
        self.pass_on([self.records[-1]])

    def pass_on(self, records: list[Record]) -> None:
        for number, desk in enumerate(self.desks):
            if number not in self.late:
                for follower in desk._followers.values():
                    chosen = [one for one in records if one.topic == follower.topic]
                    follower.pass_on(chosen, is_at_end=True)

    def act(self, act: Mapping[str, Any]) -> None:
        """Record an act, which every gateway hears, as from ``core.access``."""
        if self.fails:
            raise Retriable("no broker")
        recorded(self.access, act)
        for number, desk in enumerate(self.desks):
            if number not in self.late:
                desk._table.take_act({**act, "at": self.now_ms})

    def start(self, number: int) -> None:
        """Begin a gateway with nothing known, as after a kill."""
        desk = LogCases(
            CITY,
            Following("test", bootstrap="nowhere"),
            law=case_law_named(self.law),
            keys=self.case_keys,
            agencies=("112", "122"),
            name_of=partial(case_name, b"s" * 32, CITY),
            record=self.act,
            bootstrap="nowhere",
            wire=JsonWire(),
            now_ms=lambda: self.now_ms,
            publish=self.publish,
        )
        gateway = Gateway(CITY, {}, self.accounts, self.spool, lambda: self.now_ms)
        right = CaseRight.of(gateway, desk, self.access)
        app = app_of(
            gateway, None, [lambda app, _: cases.add(app, right), lambda app, _: case_reads.add(app, right)]
        )
        self.desks[number : number + 1], self.apps[number : number + 1] = [desk], [app]
        for follower in desk._followers.values():
            follower.begin()
        self.pass_on(self.records)
        for row in self.access.rows:
            desk._table.take_act({"at": NOON_MS, **row})

    def ask(
        self, method: str, path: str = "", body: Any = None, *, who: str = "police", gateway: int = 0
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[who]}", "content-type": "application/json"}
        content = body if body is None or isinstance(body, bytes) else orjson.dumps(body)

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.apps[gateway])
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(
                    method, f"/v1/{CITY}/cases{path}", headers=headers, content=content
                )

        return asyncio.run(asked())

    def open(self, **said: Any) -> str:
        answer = self.ask("POST", "", {**BODY, **said})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_id"])

    def draw(self, case_id: str, contract: str, revision: int = 0, **said: Any) -> None:
        """Write what the search drew, sealed under the case's key."""
        event_id = f"{case_id}-{contract}-{said.get('candidate_id', '')}-{revision}"
        fields = event_fields(CITY, "persons", event_id=event_id, event_time_ms=NOON_MS, received_ms=NOON_MS)
        value = {**fields, "case_id": case_id, "revision": revision, "sealed": None, **said}
        key = self.case_keys.key(case_id)
        assert key is not None
        self.publish(sealed(Event(contract, case_id, value), key))

    def candidate(self, case_id: str, candidate_id: str = "c-1", revision: int = 0, **said: Any) -> None:
        about: dict[str, Any] = {
            "candidate_id": candidate_id,
            "state": "open",
            "rank": 1,
            "sighting_id": f"canary-sighting-{candidate_id}",
            "camera_id": "cam-7",
            "track_id": "t",
            "seen_at": NOON_MS,
            "appearance_log_ratio": 1.0,
            "travel_log_ratio": 0.5,
            "score": None,
            "crop": None,
            "worth": None,
        }
        self.draw(case_id, "core.candidate", revision, **{**about, **said})


@contextmanager
def a_case_city(folder: Path, law: str = "kr") -> Iterator[CaseCity]:
    made = {
        name: new_user(
            CITY,
            f"desk-{name}",
            about["role"],
            now_ms=NOON_MS,
            **{k: v for k, v in about.items() if k != "role"},
        )
        for name, about in PEOPLE.items()
    }
    spool = Spool(folder / "spool.sqlite", bytes_max=1 << 20)
    accounts = Accounts([event.value or {} for _, event in made.values()])
    keys = {name: key for name, (key, _) in made.items()}
    city = CaseCity(keys, CaseKeys(folder / "cases"), spool, law, accounts)
    try:
        city.start(0)
        city.start(1)
        yield city
    finally:
        spool.close()

"""Urgent cases on the real bus under EU law, with a clock that is moved.

Not filed in a day, or refused, they end and what they drew is purged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.gateway.access import Grants
from connectors.gateway.viewings import Refusals
from connectors.transport.case_keys import CaseKeys
from deploy.assembly.gateway_cases import recorded
from deploy.laws import case_law_named
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.errors import Invalid
from schemas.registry import Registry
from schemas.wire import Wire
from streams.cases.case_names import case_name
from streams.operators.access import LogAccess
from streams.operators.case_keeper import ASKED
from streams.operators.case_log import LogCases
from streams.runtime.clients import consumer_of
from streams.runtime.follower import Following
from streams.runtime.kafka import read_whole
from streams.runtime.records import RecordBatch
from streams.stages.persons import PersonsStage
from tests.hub_bus import HubBus, whole
from tests.living_city import wait_until
from tests.person_town import (
    CAMERAS,
    HOUR_MS,
    LAT,
    LON,
    LOOKS,
    NOON,
    NUMBERS,
    a_camera,
    a_missing,
    a_person,
    a_tick,
)

pytestmark = pytest.mark.cluster
DAY_MS, PURGED_WITHIN_S = 24 * HOUR_MS, 5.0
LAST_SEEN = NOON - 720_000


class UrgentTown:
    """A gateway's cases and the stage of searches, both on the bus, with the clock of *now_ms*."""

    def __init__(self, cluster: Endpoints, folder: Path) -> None:
        self.name, self.kafka, self.now_ms = f"urgent-{uuid4().hex[:8]}", cluster.kafka, NOON
        ensure_topics(cluster.kafka, [self.name])
        self.wire, self.keys, law = Wire(Registry(cluster.registry)), CaseKeys(folder), case_law_named("eu")
        places: Mapping[str, Any] = {"bootstrap": cluster.kafka, "wire": self.wire}
        self.bus = HubBus(self.name, cluster.kafka, self.wire)
        self.access = LogAccess(self.name, Grants(), Refusals(), now_ms=lambda: self.now_ms, **places)
        self.following = Following("urgent", bootstrap=cluster.kafka)
        self.cases = LogCases(
            self.name,
            self.following,
            law=law,
            keys=self.keys,
            agencies=("112",),
            name_of=partial(case_name, b"s" * 32, self.name),
            record=partial(recorded, self.access),
            now_ms=lambda: self.now_ms,
            **places,
        )
        self.stage = PersonsStage(self.name, NUMBERS, law, self.keys, **places)
        self.taken: set[tuple[str, int, int]] = set()
        self.consumer = consumer_of({"bootstrap.servers": cluster.kafka, "group.id": self.stage.group})
        self.access.start()
        self.following.start()
        self.stage.assigned()
        wait_until(lambda: self.cases.trouble is None, 20.0)

    def end(self) -> None:
        self.stage.revoked()
        self.following.end()
        self.access.end()
        self.consumer.close()

    def open(self, number: str) -> str:
        """Open an urgent case without an authorisation."""
        last_seen = {"seen_at": LAST_SEEN, "position": {"lat": LAT, "lon": LON, "accuracy_m": 20.0}}
        asked = {one: (a_missing("x", is_urgent=True, last_seen=last_seen).value or {})[one] for one in ASKED}
        answer = self.cases.open(asked | {"agency_case_no": number}, agency="112", account_id="acc-7")
        assert answer.refused is None
        return answer.case_id

    def pass_on(self, *inputs: Any) -> None:
        """Put rows and a tick on the bus, and give the stage all that is new there."""
        self.bus.put(whole([*inputs, a_tick(self.now_ms)]))
        found = read_whole(self.kafka, [*self.stage.topics, *self.stage.beside])
        new = [one for one in found if (one.topic, one.partition, one.offset) not in self.taken]
        self.taken |= {(one.topic, one.partition, one.offset) for one in new}
        new.sort(key=lambda one: (one.topic.endswith("core.tick"), one.timestamp_ms))
        self.stage.take(RecordBatch(new, self.consumer.consumer_group_metadata()))

    def told(self, case_id: str) -> int:
        """The number of candidates that were written for a case."""
        found = read_whole(self.kafka, [f"{self.name}.core.candidate"])
        return sum(one.key == case_id.encode() for one in found)

    def newest(self, contract: str) -> list[dict[str, Any]]:
        found = read_whole(self.kafka, [f"{self.name}.{contract}"])
        return [dict(self.wire.decode(one.topic, one.value or b"")) for one in found]

    def is_gone(self, case_id: str) -> bool:
        """Whether nothing that the case drew can be read by anybody."""
        assert self.keys.key(case_id) is None
        for read in (self.cases.candidates, self.cases.route):
            with pytest.raises(Invalid, match="no such"):
                read(case_id, agency="112")
        return self.keys.is_destroyed(case_id)


@pytest.fixture
def town(cluster: Endpoints, tmp_path: Path) -> Iterator[UrgentTown]:
    made = UrgentTown(cluster, tmp_path / "cases")
    try:
        yield made
    finally:
        made.end()


def seen_at(number: int, at_ms: int) -> Any:
    return a_person(number, f"cam-{1 + number % 4}", at_ms, LOOKS)


def test_an_urgent_case_not_filed_in_a_day_or_refused_ends_and_is_purged(town: UrgentTown) -> None:
    past = [seen_at(number, LAST_SEEN + (number + 1) * 150_000) for number in range(4)]
    town.pass_on(*(a_camera(name, at) for name, at in CAMERAS.items()), *past)
    late, refused = town.open("canary-late"), town.open("canary-refused")
    town.pass_on()
    for one in (late, refused):
        wait_until(lambda one=one: len(town.cases.candidates(one, agency="112")) == 4, 10.0)

    begun = time.monotonic()
    town.cases.close(refused, "authorisation_refused", agency="112", account_id="acc-8")
    assert town.is_gone(refused)
    written = town.told(refused)
    town.now_ms += 60_000
    town.pass_on(seen_at(10, NOON - 60_000))
    assert town.told(refused) == written < (going_on := town.told(late)), "the other case goes on"
    assert time.monotonic() - begun < PURGED_WITHIN_S

    town.now_ms = NOON + DAY_MS - 1
    town.pass_on(seen_at(11, NOON + 20_000))
    assert town.cases.settle() == []
    assert (last := town.told(late)) > going_on, "up to the last moment it is looked for"
    town.now_ms = NOON + DAY_MS
    town.pass_on(seen_at(12, NOON + 40_000))
    assert town.keys.key(late) is not None
    assert town.told(late) == last, "the search ends by the log's clock, whatever the gateway does"
    assert town.cases.settle() == [late]
    assert town.is_gone(late)

    ends = {one["case_id"]: (one["state"], one["state_reason"]) for one in town.newest("police.missing")}
    assert ends == {late: ("closed", "not_filed"), refused: ("refused", "authorisation_refused")}
    acts = [one for one in town.newest("core.access") if one["act"] == "key_destroyed"]
    assert [(one["situation_id"], one["reason"], one["at"]) for one in acts] == [
        (refused, "authorisation_refused", NOON),
        (late, "not_filed", NOON + DAY_MS),
    ]

"""Sign-outs and used links at two replicas that share nothing but the log, and where the log cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.access import Written
from connectors.gateway.accounts import Account, Accounts, new_user
from connectors.gateway.chain import DETAILS
from connectors.gateway.sessions import LIFE_MS, Sessions
from connectors.gateway.sessions_link import UsedLinks, with_link
from connectors.gateway.sessions_signs import Signs
from schemas.errors import Retriable
from tests.unit.gateway.a_reading_city import CITY, SESSIONS_SECRET
from tests.unit.gateway.an_app import NOON_MS


@dataclass
class SharedLog:
    """The log of all replicas: a record is read by each of them, in its order. *is_away*: nothing is written."""

    readers: list[Callable[[Mapping[str, Any]], None]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    is_away: bool = False
    is_silent: bool = False

    def told(self) -> None:
        for row in self.rows:
            for read in self.readers:
                read(row)


@dataclass
class Writer:
    """A replica's way into the log (``connectors.gateway.access.AccessLog``)."""

    log: SharedLog
    name: str

    def write(self, act: Mapping[str, Any]) -> Future[Written]:
        done: Future[Written] = Future()
        if self.log.is_away:
            done.set_exception(Retriable("Kafka unavailable"))
            return done
        self.log.rows.append({**dict.fromkeys(DETAILS), "writer": self.name, "at": NOON_MS, **act})
        if not self.log.is_silent:
            self.log.told()
        done.set_result(Written())
        return done


@dataclass
class Pair:
    log: SharedLog
    both: list[Signs]
    account: Account

    def use_link(self, number: int) -> bool:
        return asyncio.run(self.both[number].use_link(self.account, "203.0.113.7", now_ms=NOON_MS))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    log, both = SharedLog(), []
    for name in ("a", "b"):
        links = UsedLinks(tmp_path / name / "used-links")
        signs = Signs(
            Sessions(SESSIONS_SECRET, CITY), links, Writer(log, name), name, safe_s=0.05, again_s=0.001
        )
        log.readers.append(lambda row, signs=signs: signs.put(row, now_ms=NOON_MS))  # type: ignore[misc]  # bound here
        both.append(signs)
    _, event = new_user(CITY, "desk-3", "operator", now_ms=NOON_MS)
    _, linked = with_link(CITY, event.value or {}, now_ms=NOON_MS)
    account = Accounts([linked.value or {}]).of_id(event.key)
    assert account is not None
    return Pair(log, both, account)


def test_a_sign_out_ends_the_session_at_every_replica_and_its_record_opens_nothing(pair: Pair) -> None:
    here, there = (one.sessions for one in pair.both)
    session, other = (here.begin(pair.account, now_ms=NOON_MS) for _ in range(2))
    assert there.read(there.token(session), now_ms=NOON_MS) == session
    asyncio.run(pair.both[0].sign_out(session, "203.0.113.7", now_ms=NOON_MS))
    for sessions in (here, there):
        assert sessions.read(sessions.token(session), now_ms=NOON_MS) is None
        assert not sessions.is_of(session, pair.account, now_ms=NOON_MS)
        assert sessions.read(sessions.token(other), now_ms=NOON_MS) == other
    (row,) = pair.log.rows
    assert (row["act"], row["account_id"], row["address"]) == (
        "signed_out",
        pair.account.account_id,
        "203.0.113.7",
    )
    assert session.session_id not in str(row)


def test_a_replica_that_starts_later_reads_the_sign_outs_that_still_count(pair: Pair) -> None:
    sessions = pair.both[0].sessions
    ended = sessions.begin(pair.account, now_ms=NOON_MS)
    asyncio.run(pair.both[0].sign_out(ended, None, now_ms=NOON_MS))
    (row,) = pair.log.rows
    for since, count in ((LIFE_MS, 1), (2 * LIFE_MS, 0)):
        later = Sessions(SESSIONS_SECRET, CITY)
        Signs(later, pair.both[0].links).put(row, now_ms=NOON_MS + since)
        assert len(later._ended) == count
    wall = {**row, "reason": "wall"}
    later = Sessions(SESSIONS_SECRET, CITY)
    Signs(later, pair.both[0].links).put(wall, now_ms=NOON_MS + 1_000 * LIFE_MS)
    assert len(later._ended) == 1, "a wall's session has no end, so its sign-out has none"


def test_a_link_is_good_once_at_all_replicas_together(pair: Pair) -> None:
    assert [pair.use_link(0), pair.use_link(1), pair.use_link(0)] == [True, False, False]
    assert [(one["act"], one["writer"]) for one in pair.log.rows] == [("signed_in", "a")]
    assert pair.account.link_hash is not None
    assert pair.account.link_hash not in str(pair.log.rows)


def test_of_two_that_use_a_link_at_once_the_first_in_the_log_is_let_in(pair: Pair) -> None:
    async def at_once() -> list[bool]:
        pair.log.is_silent = True
        asked = [asyncio.create_task(one.use_link(pair.account, None, now_ms=NOON_MS)) for one in pair.both]
        while len(pair.log.rows) < len(asked):  # noqa: ASYNC110 (no event tells of rows)
            await asyncio.sleep(0)
        pair.log.told()
        return await asyncio.gather(*asked)

    for one in pair.both:
        one.safe_s = 5.0
    found = asyncio.run(at_once())
    first = pair.log.rows[0]["writer"]
    assert found == [first == "a", first == "b"]


def test_without_the_log_people_sign_out_and_in_and_it_is_told_later(pair: Pair) -> None:
    async def away_and_back() -> bool:
        sessions = pair.both[0].sessions
        session = sessions.begin(pair.account, now_ms=NOON_MS)
        pair.log.is_away = True
        await pair.both[0].sign_out(session, None, now_ms=NOON_MS)
        assert sessions.read(sessions.token(session), now_ms=NOON_MS) is None
        assert await pair.both[0].use_link(pair.account, None, now_ms=NOON_MS)
        assert not await pair.both[0].use_link(pair.account, None, now_ms=NOON_MS)
        pair.log.is_away = False
        async with asyncio.timeout(5):
            while len(pair.log.rows) < 2:  # noqa: ASYNC110 (no event tells of rows)
                await asyncio.sleep(0.001)
        return await pair.both[1].use_link(pair.account, None, now_ms=NOON_MS)

    assert asyncio.run(away_and_back()) is False
    assert {one["act"] for one in pair.log.rows} == {"signed_out", "signed_in"}

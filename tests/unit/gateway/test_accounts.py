"""Keys: shown once, stored as hashes, valid until they are revoked or expire; and the limits of each."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from connectors.gateway.accounts import Accounts, new_key, with_new_secret
from connectors.gateway.limits import Rates, Room, Turns
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec

NOW_MS = 1_780_000_000_000


def a_key(**about: Any) -> tuple[str, dict[str, Any]]:
    key, event = new_key("springfield", "police", about.pop("sources", ["reports"]), now_ms=NOW_MS, **about)
    return key, dict(event.value or {})


def test_a_key_is_known_again_and_another_is_not() -> None:
    key, row = a_key()
    other, _ = a_key()
    accounts = Accounts([row])
    known = accounts.of_key(key, now_ms=NOW_MS)
    assert known is not None
    assert known.name == "police"
    assert accounts.of_key(other, now_ms=NOW_MS) is None


def test_nothing_of_a_secret_is_kept() -> None:
    key, row = a_key()
    assert key.split("_", 2)[2] not in str(row)
    assert RowCodec(load_catalogue()["core.account"].newest).encode(row)


def test_what_is_kept_of_a_secret_is_its_sha_256() -> None:
    key, row = a_key()
    digest = hashlib.sha256(key.split("_", 2)[2].encode()).hexdigest()
    assert (row["hash_method"], row["secret_hash"]) == ("sha256", digest)


@pytest.mark.parametrize(
    "key", ["", "bongsu", "bongsu_", "bongsu__", "bongsu_x_y", "other_{id}_{secret}", "bongsu_{id}_"]
)
def test_what_is_no_key_opens_nothing(key: str) -> None:
    good, row = a_key()
    _, account_id, secret = good.split("_", 2)
    wrong = key.replace("{id}", account_id).replace("{secret}", secret)
    assert Accounts([row]).of_key(wrong, now_ms=NOW_MS) is None


def test_a_key_is_good_until_its_end() -> None:
    key, row = a_key(expires_at=NOW_MS + 1_000)
    accounts = Accounts([row])
    assert accounts.of_key(key, now_ms=NOW_MS + 999) is not None
    assert accounts.of_key(key, now_ms=NOW_MS + 1_000) is None


def test_a_revoked_key_and_one_that_is_gone_open_nothing() -> None:
    key, row = a_key()
    accounts = Accounts([row])
    accounts.put({**row, "revoked_at": NOW_MS})
    assert accounts.of_key(key, now_ms=NOW_MS) is None
    accounts.put(row)
    accounts.forget(row["account_id"])
    assert accounts.of_key(key, now_ms=NOW_MS) is None


def test_what_was_hashed_in_a_way_we_do_not_know_opens_nothing() -> None:
    key, row = a_key()
    assert Accounts([{**row, "hash_method": "none"}]).of_key(key, now_ms=NOW_MS) is None


def test_a_key_speaks_for_its_sources_only() -> None:
    key, row = a_key(sources=["reports", "units"])
    account = Accounts([row]).of_key(key, now_ms=NOW_MS)
    assert account is not None
    assert [account.may_publish(source) for source in ("reports", "units", "cameras")] == [True, True, False]
    _, whole = a_key(sources=["*"])
    every = Accounts([whole])._known[whole["account_id"]]
    assert every.may_publish("reports", [every.name, "other"]) and every.may_publish("cameras", [])
    assert not every.may_publish("reports", ["other"])
    assert (
        Accounts([{**whole, "roles": ["subscribe"]}])._known[whole["account_id"]].may_publish("reports")
        is False
    )


def test_a_rate_lets_two_seconds_worth_through_at_once_and_then_its_own() -> None:
    rates = Rates()
    waits = [rates.wait_s("a", 10.0, 100.0) for _ in range(21)]
    assert waits[:20] == [0.0] * 20
    assert waits[20] == pytest.approx(0.1)
    assert rates.wait_s("b", 10.0, 100.0) == 0.0
    assert rates.wait_s("a", 10.0, 100.15) == 0.0
    assert rates.wait_s("a", 10.0, 100.15) > 0


def test_room_is_taken_as_bytes_arrive_and_given_back() -> None:
    room = Room(100, 60)
    with room.place("a") as first, room.place("a") as second, room.place("b") as third:
        assert [first(40), second(30), second(20), third(40), third(1)] == [True, False, True, True, False]
        assert room.taken == 100
    assert room.taken == 0
    with room.place("a") as again:
        assert again(60)


def test_whoever_has_much_to_be_done_waits_behind_the_others_next() -> None:
    done: list[str] = []

    async def work(turns: Turns, whose: str, may_end: asyncio.Event) -> None:
        async with turns.turn(whose):
            await may_end.wait()
            done.append(whose)

    async def all_of_it() -> None:
        turns, may_end = Turns(), asyncio.Event()
        tasks = [asyncio.create_task(work(turns, whose, may_end)) for whose in "aaaab"]
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.gather(*tasks)
        assert not turns._of_account

    asyncio.run(all_of_it())
    assert done == ["a", "b", "a", "a", "a"]


def rotated(row: dict[str, Any], *, old_until: int | None) -> tuple[str, dict[str, Any]]:
    key, event = with_new_secret("springfield", row, now_ms=NOW_MS, old_until=old_until)
    return key, dict(event.value or {})


def test_an_old_key_opens_the_same_account_until_its_end() -> None:
    old, row = a_key()
    new, after = rotated(row, old_until=NOW_MS + 1_000)
    accounts = Accounts([after])
    by_old, by_new = (accounts.of_key(one, now_ms=NOW_MS + 999) for one in (old, new))
    assert by_old is not None
    assert by_new is not None
    assert by_old.account_id == by_new.account_id, "limits count them as one"
    assert accounts.of_key(old, now_ms=NOW_MS + 1_000) is None
    assert accounts.of_key(new, now_ms=NOW_MS + 1_000) is not None
    assert RowCodec(load_catalogue()["core.account"].newest).encode(after)
    assert old.split("_", 2)[2] not in str(after)


def test_what_an_old_key_has_open_goes_on_until_its_end() -> None:
    old, row = a_key()
    accounts = Accounts([row])
    before = accounts.of_key(old, now_ms=NOW_MS)
    _, after = rotated(row, old_until=NOW_MS + 1_000)
    accounts.put(after)
    later = accounts.of_key(old, now_ms=NOW_MS)
    for one in (before, later):
        assert one is not None
        assert accounts.current(one, now_ms=NOW_MS + 999) is not None
        assert accounts.current(one, now_ms=NOW_MS + 1_000) is None


def test_one_rotation_later_a_key_is_refused() -> None:
    first, row = a_key()
    second, row = rotated(row, old_until=NOW_MS + 1_000)
    third, row = rotated(row, old_until=NOW_MS + 1_000)
    accounts = Accounts([row])
    known = [accounts.of_key(one, now_ms=NOW_MS) is not None for one in (first, second, third)]
    assert known == [False, True, True]


def test_without_a_time_for_it_the_old_key_is_refused_at_once() -> None:
    old, row = a_key()
    new, row = rotated(row, old_until=None)
    accounts = Accounts([row])
    assert accounts.of_key(old, now_ms=NOW_MS) is None
    assert accounts.of_key(new, now_ms=NOW_MS) is not None


def test_the_end_of_an_account_and_its_revocation_end_the_old_key_too() -> None:
    old, row = a_key(expires_at=NOW_MS + 500)
    _, row = rotated(row, old_until=NOW_MS + 1_000)
    accounts = Accounts([row])
    assert accounts.of_key(old, now_ms=NOW_MS + 500) is None
    accounts.put({**row, "revoked_at": NOW_MS})
    assert accounts.of_key(old, now_ms=NOW_MS) is None

"""Subscriptions of accounts: paused while their account may not have what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.gateway.accounts import Accounts, new_key
from streams.deliver.account_bounds import held
from streams.deliver.subscriptions import Subscription, event_of, of_row
from streams.stages.deliver_accounts import AccountBounds

NOW_MS = 1_780_000_000_000


def a_row(**about: Any) -> dict[str, Any]:
    _, event = new_key("town", "119", [], now_ms=NOW_MS, subscribes=True, audience="119", purposes=["rescue"])
    return {**(event.value or {}), "account_id": "a1", **about}


def mine(**about: Any) -> Subscription:
    return Subscription("desk", "119", "webhook", account_id="a1", **{"audience": "119", **about})


@pytest.mark.parametrize(
    ("row", "one", "is_held"),
    [
        (a_row(), mine(), False),
        (a_row(), mine(audience=None, purposes=("rescue",)), False),
        (a_row(audience="*"), mine(audience="112"), False),
        (a_row(), mine(audience="*"), True),
        (a_row(), mine(audience="112"), True),
        (a_row(audience=None), mine(), True),
        (a_row(), mine(purposes=("rescue", "crime-prevention")), True),
        (a_row(roles=["publish"]), mine(), True),
        (a_row(revoked_at=NOW_MS), mine(), True),
        (a_row(expires_at=NOW_MS), mine(), True),
        (a_row(expires_at=NOW_MS + 1), mine(), False),
        (a_row(account_id="a2"), mine(), True),
        (a_row(account_id="a2"), Subscription("desk", "119", "webhook", audience="*"), False),
    ],
)
def test_a_subscription_is_held_by_its_account(row: dict[str, Any], one: Subscription, is_held: bool) -> None:
    accounts = Accounts([row])
    account = accounts.of_id(one.account_id or "")
    assert (held(one, account, now_ms=NOW_MS) is not None) == is_held


def test_the_stage_pauses_it_and_knows_when_to_look_again() -> None:
    bounds = AccountBounds("town")
    wanted = {"desk": mine(), "post": Subscription("post", "112", "webhook")}
    assert {name: one.state for name, one in bounds.bounded(wanted, NOW_MS).items()} == {
        "desk": "paused",
        "post": "active",
    }
    bounds._accounts.put(a_row(expires_at=NOW_MS + 5))
    assert bounds.bounded(wanted, NOW_MS) == wanted
    assert bounds.next_end_ms(wanted, NOW_MS) == NOW_MS + 5
    assert bounds.next_end_ms(wanted, NOW_MS + 5) is None
    assert bounds.bounded(wanted, NOW_MS + 5)["desk"].state == "paused"


def test_the_account_stands_in_the_row() -> None:
    value = event_of(mine(), "town", now_ms=NOW_MS).value or {}
    assert of_row(value) == mine()

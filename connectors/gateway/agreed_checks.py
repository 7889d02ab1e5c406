"""Refusals of what an account asks for beyond its agreements. *agreed* is ``None`` where no agreement has a say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connectors.gateway.account_refusals import not_agreed
from connectors.gateway.accounts import Account
from connectors.gateway.agreed import AgreedRights
from connectors.subscribers import Subscriber, is_cleared


def check_any(agreed: AgreedRights | None) -> None:
    """``Problem`` where nothing is agreed any more."""
    if agreed is not None and agreed.is_over:
        raise not_agreed("nothing is agreed now", agreed.told)


def check_push(agreed: AgreedRights | None) -> None:
    """``Problem`` where no publishing is agreed."""
    if agreed is not None:
        _check(agreed, agreed.lacks_for_key(subscribes=False, publishes=True))


def check_wish(agreed: AgreedRights | None, asked: Mapping[str, Any]) -> None:
    """``Problem`` where the subscription *asked* for is wider than what is agreed."""
    contracts = ("core.alert",) if asked["format"] == "cap" else asked["contracts"]
    if agreed is not None:
        _check(agreed, agreed.lacks_for_subscription(contracts, asked["purposes"]))


def reader_of(account: Account, agreed: AgreedRights | None, of_law: Collection[str]) -> Subscriber:
    """The reader that *account* is. ``Problem`` where no reading is agreed."""
    if agreed is None:
        return Subscriber(account.audience, is_cleared(account.purposes, of_law))
    _check(agreed, agreed.lacks_for_key(subscribes=True, publishes=False))
    return Subscriber(account.audience, is_cleared(account.purposes & agreed.purposes, of_law), agreed.reads)


def _check(agreed: AgreedRights, why: str | None) -> None:
    if why is not None:
        raise not_agreed(why, agreed.told)

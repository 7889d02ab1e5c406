"""Bounds of a subscription that an account made itself, over HTTP: its account's rights, and no secret but its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.gateway.accounts import Account
from connectors.subscribers import too_wide
from streams.deliver.subscriptions import Subscription

MARK = "${"
"""The begin of a secret's name in a setting."""
SEALED_MARK = f"{MARK}SEALED:"
SECRETS = "secrets"


def held(one: Subscription, account: Account | None, *, now_ms: int) -> str | None:
    """Why nothing may be delivered for *one* now; ``None`` where it may. *account*: that of its ``account_id``."""
    if one.account_id is None:
        return None
    if account is None:
        return "its account is not known"
    if not account.is_good(now_ms):
        return "its account is revoked or expired"
    if not account.may_subscribe:
        return "its account may no longer read"
    field = too_wide(one.audience, one.purposes, of_audience=account.audience, of_purposes=account.purposes)
    return None if field is None else f"its {field} has more than its account's"


def secret_setting(city: str, name: str, number: int) -> str:
    """The setting that names the generated secret *number* of the subscription *name*."""
    return f"{MARK}FILE:{city}.{name}.{number}}}"


def is_own_secret(setting: Any, one: Subscription, city: str) -> bool:
    """Whether *setting* names a secret that the platform generated for *one*, not for an earlier one of its name."""
    if not isinstance(setting, str) or not setting.endswith("}"):
        return False
    before = f"{MARK}FILE:{city}.{one.name}."
    if setting.startswith(SEALED_MARK):  # whether it is of this subscription, is found when it is opened
        number = setting[len(SEALED_MARK) : -1].partition(".")[0]
    elif setting.startswith(before):
        number = setting[len(before) : -1]
    else:
        return False
    return number.isascii() and number.isdecimal() and len(number) < 20 and int(number) >= one.created_at


def strange_setting(one: Subscription, city: str) -> str | None:
    """The setting of *one* that names a secret which is not its own; ``None`` where there is none."""
    for name, value in one.settings.items():
        if name == SECRETS and isinstance(value, list | tuple):
            if not all(is_own_secret(each, one, city) for each in value):
                return name
        elif MARK in name or _has_mark(value):
            return name
    return None


def _has_mark(value: Any) -> bool:
    if isinstance(value, str):
        return MARK in value
    if isinstance(value, Mapping):
        return any(_has_mark(key) or _has_mark(each) for key, each in value.items())
    return isinstance(value, list | tuple) and any(map(_has_mark, value))

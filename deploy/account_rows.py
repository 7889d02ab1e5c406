"""A city's accounts from ``core.account``, for the commands that create, list and revoke them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors.gateway.account_hashes import check_account, subject_of
from connectors.gateway.accounts import USER
from connectors.gateway.case_desk import PURPOSE
from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.topic_values import tell_left_out
from schemas.catalogue import topic_name

if TYPE_CHECKING:
    from deploy.city.city import City
    from schemas.event import Event

SUBJECT_MAX = 255
"""The longest subject that OpenID Connect allows."""
Rows = dict[str, dict[str, Any]]


def rows_of(platform: Platform, city: City, kind: str) -> Rows:
    """Account id → row, of the accounts of *kind* (``key`` or ``user``)."""
    from deploy.topics import ensure_topics
    from streams.runtime.row_reader import RowReader
    from streams.runtime.tables import read_rows

    ensure_topics(platform.kafka, [city.name])
    reader = RowReader(platform.wire, f"{city.name}.accounts", check=check_account)
    table = read_rows(platform.kafka, topic_name(city.name, "core.account"), reader)
    tell_left_out(reader)
    values = {account_id: dict(row.value or {}) for account_id, row in table.rows.items()}
    return {account_id: value for account_id, value in values.items() if value["kind"] == kind}


def user_of(platform: Platform, city: City, name: str, *, is_good: bool = False) -> dict[str, Any]:
    """The row of the user of that name or id. ``UsageFault`` where there is none, and for a disabled one where *is_good*."""
    from schemas.names import is_same_name

    for account_id, row in rows_of(platform, city, USER).items():
        if name == account_id or is_same_name(name, row["name"]):
            if is_good and row["revoked_at"] is not None:
                raise UsageFault(f"{name[:64]!r} is disabled", hint="make another user")
            return row
    raise UsageFault(
        f"{city.name} has no user {name[:64]!r}", hint=f"see bongsu user list --city {city.name}"
    )


def key_row(city: str, rows: Rows, name: str, *, now_ms: int) -> Mapping[str, Any]:
    """The row of the one good key in *rows* that has that id or is of that agency. ``UsageFault`` for none, or several."""
    from schemas.names import is_same_name

    hint = f"see bongsu key list --city {city}"
    named = [row for key_id, row in rows.items() if name == key_id or is_same_name(name, row["name"])]
    good = [row for row in named if standing(row, now_ms).startswith("good")]
    if not good:
        raise UsageFault(f"{city} has no good key of {name[:64]!r}", hint=hint)
    if len(good) > 1:
        ids = ", ".join(sorted(str(row["account_id"]) for row in good))
        raise UsageFault(f"{name[:64]!r} has {len(good)} keys: {ids}", hint="name one by its id")
    return good[0]


def old_end(row: Mapping[str, Any], now_ms: int) -> str:
    """The end of the secret before, for a person; empty where there is none."""
    until = row["old_until"]
    return f"  the old one until {moment(until)}" if until is not None and until > now_ms else ""


def publish(platform: Platform, city: City, event: Event) -> None:
    from deploy.topics import ensure_topics
    from streams.runtime.kafka import transactional_producer
    from streams.runtime.transaction import transaction

    ensure_topics(platform.kafka, [city.name])
    producer = transactional_producer(platform.kafka, f"{city.name}.accounts")
    with transaction(producer, platform.wire, city.name) as outbox:
        outbox.put(event)


def name_of(name: str, whose: str) -> str:
    """*name* in its normal form (NFC), of any script. ``UsageFault`` for an invalid one, which is not printed raw."""
    from schemas.names import account_name

    try:
        return account_name(name)
    except ValueError as error:
        raise UsageFault(
            f"{name[:64]!a} is no name for {whose}: {error}",
            hint="letters of any script, digits, blanks and signs: city-police, 대전경찰청, ตำรวจ 191",
        ) from error


def check_purposes(city: City, purposes: Collection[str]) -> None:
    """``UsageFault`` for a purpose that neither the city's law names nor cases of missing persons have."""
    known = {use.purpose for use in city.rules.law.uses.values()} | {PURPOSE}
    for one in purposes:
        if one not in known:
            raise UsageFault(
                f"the law of {city.name} names no purpose '{one}'",
                hint=f"it names: {', '.join(sorted(known))}",
            )


def oidc_subject_of(city: City, subject: str) -> str:
    """*subject* at the city's issuer, as accounts name it. ``UsageFault`` where there is no issuer, or it is no subject."""
    about = city.file.console.oidc
    if about is None:
        raise UsageFault(
            f"{city.name} has no issuer of OpenID Connect",
            hint="name it in the city's file: [console.oidc] issuer",
        )
    if not 0 < len(subject) <= SUBJECT_MAX or not subject.isascii() or not subject.isprintable():
        raise UsageFault(
            f"{subject[:64]!a} is no subject", hint="the 'sub' of their ID token: 1 to 255 letters of ASCII"
        )
    return subject_of(about.issuer, subject)


def check_subject(subject: str | None, rows: Iterable[Mapping[str, Any]]) -> None:
    """``UsageFault`` where one of *rows*, which is not disabled, has *subject* already."""
    for row in rows:
        if subject is not None and row["oidc_subject"] == subject and row["revoked_at"] is None:
            raise UsageFault(
                f"the user '{row['name']}' has this subject already",
                hint=f"bongsu user disable {row['name']} --city {row['city']}",
            )


def end_of(days: int | None, now_ms: int) -> int | None:
    return None if days is None else now_ms + int(timedelta(days=days).total_seconds() * 1000)


def standing(row: Mapping[str, Any], now_ms: int, *, ended: str = "revoked") -> str:
    """The state of an account, for a person."""
    if row["revoked_at"] is not None:
        return f"{ended} {moment(row['revoked_at'])}"
    if row["expires_at"] is not None:
        return f"{'out of date' if row['expires_at'] <= now_ms else 'good until'} {moment(row['expires_at'])}"
    return "good"


def moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")

"""Alerts as CAP for sinks: earlier revisions named whoever began when, scope and addresses, signatures, bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from connectors.formats.cap_out import Publisher
from connectors.gateway.published import PublishedAlerts
from schemas.errors import Invalid
from streams.deliver.cap_bodies import SIGNED_KEPT, CapBodies
from tests.unit.connectors.test_cap_out import CITY, PERSONAL, an_alert, ref


def bodies_of(*values: dict[str, Any], by: Publisher = CITY, most: int = 100) -> CapBodies:
    made = CapBodies(PublishedAlerts(by, revisions_max=most))
    for one in values:
        made.put(one)
    return made


def said(body: bytes, name: str) -> list[str | None]:
    return [one.text for one in etree.fromstring(body).iter(f"{{*}}{name}")]


def with_id(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "event_id": f"e-{value['revision']}"}


FIRST, SECOND = with_id(an_alert()), with_id(an_alert(2, minute=1, kind_of="update"))


def test_an_update_names_what_its_receiver_never_got() -> None:
    one = bodies_of(FIRST, SECOND).delivery(SECOND)
    assert (one.event_id, one.contract, one.key) == ("e-2", "core.alert", SECOND["situation_id"])
    assert one.media_type == "application/cap+xml" and one.time_ms == SECOND["event_time"]
    assert said(one.body, "msgType") == ["Update"] and said(one.body, "references") == [ref(1, "21:00:00")]


def test_a_receiver_that_is_behind_gets_the_message_of_then() -> None:
    made = bodies_of(FIRST)
    then = made.delivery(FIRST)
    made.put(SECOND)
    assert made.delivery(FIRST) == then


def test_an_alert_that_was_dropped_is_written_by_itself() -> None:
    made = bodies_of(FIRST, *(with_id(an_alert(n, alert_id=f"other-{n}")) for n in range(1, 4)), most=2)
    assert said(made.delivery(FIRST).body, "msgType") == ["Alert"]


@pytest.mark.parametrize(
    ("audience", "scope", "addresses"),
    [
        ("public", "Public", []),
        ("119", "Restricted", ["springfield.119"]),
        ("112", "Private", ["springfield.112"]),
    ],
)
def test_scope_and_addresses_are_the_audiences(audience: str, scope: str, addresses: list[str]) -> None:
    value = with_id(an_alert(audience=audience))
    body = bodies_of(value, by=replace(CITY, restrictions={"119": "for 119"})).delivery(value).body
    assert said(body, "scope") == [scope] and said(body, "addresses") == addresses
    assert PERSONAL not in body.decode()


def test_an_id_that_cap_cannot_carry_is_refused() -> None:
    value = with_id(an_alert(alert_id="no, id"))
    with pytest.raises(Invalid, match="alert's id"):
        bodies_of(value).delivery(value)


def test_a_message_is_signed_once_for_all_receivers() -> None:
    signed: list[bytes] = []

    def sign(body: bytes) -> bytes:
        signed.append(body)
        return body + b"<!-- signed -->"

    made = CapBodies(PublishedAlerts(CITY), sign=sign)
    values = [with_id(an_alert(n, minute=n)) for n in range(1, SIGNED_KEPT + 2)]
    for value in values:
        made.put(value)
        assert made.delivery(value).body == made.delivery(value).body == signed[-1] + b"<!-- signed -->"
    assert len(signed) == len(values)
    made.delivery(values[0])
    assert len(signed) == len(values) + 1, "the oldest are dropped"

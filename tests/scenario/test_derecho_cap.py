"""Every alert of Houston's storm as CAP: valid by the XSD and by the second check, and told again by the source of CAP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.base import Heard
from connectors.discovery import load_source
from connectors.formats.cap_feed import ENTRIES_MAX, atom_feed, current
from connectors.formats.cap_out import HOUR_MS, CapMessage, Publisher, cap_message
from connectors.gateway.cap import CapPart
from connectors.gateway.published import PublishedAlerts
from deploy.city.city import load_city
from tests.cap_rules import faults
from tests.scenario.test_derecho_joins import RECORDING, lived_once

Value = Mapping[str, Any]
HOUSTON = load_city("houston")
CITY = HOUSTON.context("neighbour")
AUDIENCES = frozenset({"hfd", "hpd", "operator"})
PUBLISHER = Publisher(
    city="houston",
    title=HOUSTON.file.title,
    sender="alerts@houston.example",
    timezone=CITY.timezone,
    languages=("ko", "th"),
    lasts_ms=7 * 24 * HOUR_MS,  # longer than the storm: nothing of it expires
    public=AUDIENCES,
)
SCHEMA = "alerts/cap/schema/cap12_extended.xsd"
Sent = list[tuple[Value, CapMessage]]


@pytest.fixture(scope="module")
def sent(data_dir: Path) -> Sent:
    before = defaultdict[str, list[Value]](list)
    found = []
    for event in lived_once(data_dir / RECORDING):
        if event.topic == "core.alert" and event.value is not None:
            earlier = before[event.value["alert_id"]]
            found.append((event.value, cap_message(event.value, earlier, PUBLISHER)))
            earlier.append(event.value)
    return found


def test_every_alert_of_the_storm_is_valid(sent: Sent, data_dir: Path) -> None:
    schema = etree.XMLSchema(etree.parse(data_dir / SCHEMA))
    wrong = [m.identifier for _, m in sent if not schema.validate(etree.fromstring(m.body))]
    assert (len(sent), wrong) == (11_283, [])
    assert {value["audience"] for value, _ in sent} == AUDIENCES


def test_every_alert_of_the_storm_is_told_in_each_language(sent: Sent) -> None:
    for value, message in sent:
        infos = etree.fromstring(message.body).findall("{*}info")
        told = [(one.findtext("{*}language"), one.findtext("{*}headline")) for one in infos]
        further = [(one["language"], one["headline"]) for one in value["headlines"]]
        assert told == [("en", value["headline"]), *further]
        assert [code for code, _ in further] == ["ko", "th"]


def test_every_alert_of_the_storm_keeps_the_rules_that_no_schema_says(sent: Sent) -> None:
    assert faults(message.body for _, message in sent) == []
    assert {m.type for _, m in sent} == {"Alert", "Update", "Cancel"}


def test_what_goes_out_comes_in_again_unchanged_in_meaning(sent: Sent) -> None:
    expected = defaultdict[str, list[Any]](list)
    numbers: dict[str, str] = {}
    for value, message in sent:
        is_over = value["message_type"] == "cancel"
        if numbers.get(value["alert_id"]) is None:
            numbers[value["alert_id"]] = f"{value['alert_id']}-{value['revision']}"
        of = expected[numbers[value["alert_id"]]]
        said = of[-1][1:] if is_over else meaning(value)  # a Cancel ends what was said last
        if not of or of[-1] != ("closed" if is_over else "open", *said):
            of.append(("closed" if is_over else "open", *said))
        if is_over:
            del numbers[value["alert_id"]]
        assert message.sent_ms == value["event_time"] // 1000 * 1000

    heard = defaultdict[str, list[Any]](list)
    for one in told_again([message for _, message in sent]):
        at = one["position"]
        place = (round(at["lat"], 6), round(at["lon"], 6), round(at["accuracy_m"]))
        heard[one["agency_case_no"]].append((one["status"], one["kind"], one["priority"], *place))
    assert heard == expected
    assert len(heard) > 5_000


def test_every_alert_of_the_storm_is_served_as_it_was_sent(sent: Sent) -> None:
    alerts = PublishedAlerts(PUBLISHER)
    part = CapPart(alerts, sent[0][1].sent_ms)
    for value, _ in sent:
        alerts.put(value)
    assert len(alerts) == len(sent)
    wrong = []
    for _, message in sent:
        served = alerts.message(message.identifier, None)
        if served is None or part.document(served) != message.body:
            wrong.append(message.identifier)
    assert wrong == []

    now_ms = sent[-1][1].sent_ms
    listed, _ = alerts.current(None, now_ms=now_ms)
    assert listed == current((message for _, message in sent), now_ms=now_ms, entries_max=None)
    assert len(listed) > 100


def meaning(value: Value) -> tuple[Any, ...]:
    levels = ", ".join(value[name].capitalize() for name in ("severity", "urgency", "certainty"))
    area = value["area"]
    place = (round(area["lat"], 6), round(area["lon"], 6), round(area["radius_m"]))
    return (value["kind"], levels, *place)


def told_again(messages: list[CapMessage]) -> Iterator[Value]:
    """The incidents that the source of CAP tells of them, one feed for each hour."""
    source = load_source("cap_alerts", CITY, {"agency": "neighbour"})
    place: Mapping[str, Any] = {}
    for hour, those in groupby(messages, key=lambda one: one.sent_ms // HOUR_MS):
        at_ms, entries = (hour + 1) * HOUR_MS, list(those)
        assert len(entries) <= ENTRIES_MAX
        body = atom_feed(entries, PUBLISHER, address="https://city.example/cap", now_ms=at_ms)
        reading = source.read(Heard(body, at_ms), place)
        assert not reading.aside
        assert not reading.noted
        place = reading.place
        for event in reading.events:
            assert event.value is not None
            yield event.value

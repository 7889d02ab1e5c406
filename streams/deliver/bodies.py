"""The delivery that a receiver gets of an event: a CloudEvent as JSON, without the fields that it may not see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.base import Delivery
from connectors.headlines import in_language
from connectors.subscribers import Subscriber
from schemas.catalogue import load_catalogue
from schemas.cloud_event import MEDIA_TYPE, cloud_event
from schemas.json_form import to_json_value
from streams.deliver.subscriptions import ALERT


def shown_value(contract: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of an event, the same for all receivers."""
    return to_json_value(load_catalogue()[contract].newest, value)


def delivery_of(
    contract: str,
    key: str,
    value: Mapping[str, Any],
    shown: Mapping[str, Any],
    reader: Subscriber,
    *,
    language: str,
) -> Delivery:
    """The delivery of *value* for *reader*, an alert's headline in *language* where it has one in it. *shown*: its JSON
    form."""
    if contract == ALERT:
        shown = in_language(language, shown)
    return Delivery(
        event_id=value["event_id"],
        topic=contract,
        contract=contract,
        key=key,
        body=orjson.dumps(cloud_event(contract, key, reader.shown(contract, shown))),
        media_type=MEDIA_TYPE,
        time_ms=value["event_time"],
    )


def probe_delivery(city: str, name: str, *, event_id: str, now_ms: int) -> Delivery:
    """An event that says nothing of the city: whether the receiver can be reached."""
    contract = "core.test"
    shown: dict[str, Any] = {
        "event_id": event_id,
        "city": city,
        "source": "subscriptions",
        "event_time": to_json_value(_TIMED, {"event_time": now_ms})["event_time"],
        "subscription": name,
    }
    body = orjson.dumps(cloud_event(contract, name, shown))
    return Delivery(event_id, contract, contract, name, body, MEDIA_TYPE, now_ms)


_TIMED = {
    "type": "record",
    "name": "Test",
    "fields": [{"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
}

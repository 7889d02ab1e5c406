"""An event as a structured CloudEvent 1.0: the one form in which webhooks and server-sent events carry it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/cloudevents+json"


def cloud_event(contract: str, key: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The CloudEvent of *shown*, the JSON form of an event of *contract*, masked for its reader.

    Its attributes are those of the record's ``ce_`` headers; *key* is the record's key.
    """
    return {
        "specversion": "1.0",
        "id": shown["event_id"],
        "source": f"/{shown['city']}/{shown['source']}",
        "type": f"bongsu.{contract}",
        "time": shown["event_time"],
        "subject": key,
        "datacontenttype": "application/json",
        "data": dict(shown),
    }

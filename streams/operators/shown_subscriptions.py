"""A subscription and its receiver's progress as JSON, without secrets and without more of an address than its host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from schemas.iso_time import EPOCH
from streams.deliver.subscriptions import SECRET_WORDS, Subscription

REST = "…"


def shown(
    one: Subscription,
    progress: Mapping[str, Any] | None,
    *,
    lag: int | None,
    why_held: str | None,
    is_of_file: bool,
) -> dict[str, Any]:
    """*progress*: the row of its receiver, if it has one. *why_held*: why nothing is delivered though nobody paused it."""
    of_row = "command" if one.account_id is None else "http"
    return {
        "name": one.name,
        "who": one.who,
        "origin": "city_file" if is_of_file else of_row,
        "sink": one.sink,
        "settings": _settings(one.settings),
        "audience": one.audience,
        **{name: list(getattr(one, name)) for name in ("purposes", "contracts", "kinds")},
        "area": [list(corner) for corner in one.area],
        "severity_from": one.severity_from,
        "language": one.language,
        "format": one.format,
        "begin": "beginning" if one.from_beginning else "end",
        "created_at": _iso(one.created_at or None),
        "state": _state(one, progress, why_held),
        "held": why_held,
        "lag": lag,
        **_progress(progress or {}),
    }


def _state(one: Subscription, progress: Mapping[str, Any] | None, why_held: str | None) -> str:
    """The state; a change that its receiver has not taken up yet counts already."""
    if one.state == "paused" or why_held is not None:
        return "paused"
    state = "active" if progress is None else str(progress["state"])
    return "active" if state == "paused" else state


def _progress(row: Mapping[str, Any]) -> dict[str, Any]:
    places = row.get("places", ())
    return {
        "places": [{"topic": each["topic"], "next_offset": each["next_offset"]} for each in places],
        **{name: row.get(name, 0) for name in ("delivered", "set_aside", "attempts")},
        **{name: _iso(row.get(name)) for name in ("failing_since", "next_at")},
        **{name: row.get(name) for name in ("last_error", "last_set_aside")},
    }


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_rest(value)
        for name, value in settings.items()
        if not any(word in name.lower() for word in SECRET_WORDS)
    }


def _without_rest(value: Any) -> Any:
    """*value* with each address in it cut behind its host."""
    if isinstance(value, str) and "://" in value:
        try:
            parts = urlsplit(value)
        except ValueError:
            return REST
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{REST}"
    if isinstance(value, Mapping):
        return _settings(value)
    if isinstance(value, list | tuple):
        return [_without_rest(each) for each in value]
    return value


def _iso(ms: int | None) -> str | None:
    return None if ms is None else (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")

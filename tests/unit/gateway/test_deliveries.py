"""To whom an alert was delivered: whom each reader is told of, and what a receiver's place says of each revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.gateway.accounts import new_user
from streams.deliver.subscriptions import Subscription
from tests.unit.gateway.a_reading_city import ALERTS, CITY, PURPOSE, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

OURS = {"agencies": ["119"], "status": "open"}
HOST = "desk.example answered 500"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with a_reading_city(tmp_path_factory.mktemp("deliveries")) as found:
        key, event = new_user(CITY, "cleared", "viewer", now_ms=NOON_MS, purposes=[PURPOSE])
        assert event.value is not None
        found.here.gateway.accounts.put(event.value)
        found.keys["cleared"] = key
        yield found


@pytest.fixture
def city(made: Reader) -> Reader:
    """A situation of 119 with an alert of two revisions, at the offsets 1 and 2."""
    made.city.clear()
    made.city.places = 0
    made.receivers.trouble = None
    for known in (made.receivers.subscriptions, made.receivers.rows, made.receivers.held):
        known.clear()
    made.city.put("core.situation", situation_id="s", **OURS)
    for revision in (1, 2):
        made.city.put(
            "core.alert", situation_id="s", alert_id="a", audience="119", revision=revision,
            kind="crash", severity="severe", at_ms=NOON_MS + revision,
        )  # fmt: skip
    return made


def subscribe(city: Reader, name: str, **about: Any) -> None:
    about = {"audience": "119", "created_at": NOON_MS, **about}
    city.receivers.subscriptions.append(Subscription(name, "119", "webhook", **about))


def progress(city: Reader, name: str, next_offset: int, **about: Any) -> None:
    places = [{"topic": ALERTS, "next_offset": next_offset, "done_above": about.pop("done_above", [])}]
    city.receivers.rows[name] = {
        "begun_at": NOON_MS, "state": "active", "places": places, "delivered": 1, "set_aside": 0,
        "attempts": 0, "failing_since": None, "last_error": None, "event_time": NOON_MS + 5, **about,
    }  # fmt: skip


def told(city: Reader, role: str = "supervisor") -> list[dict[str, Any]]:
    answer = city.get("situations/s/deliveries", role=role)
    assert answer.status_code == 200, answer.text
    (alert,) = answer.json()["alerts"]
    assert (alert["alert_id"], alert["audience"]) == ("a", "119")
    found: list[dict[str, Any]] = alert["receivers"]
    return found


def states(city: Reader) -> dict[str, tuple[str, int | None]]:
    return {one["receiver"]: (one["state"], one["received_revision"]) for one in told(city)}


def test_a_receiver_has_received_what_lies_below_its_place_and_what_was_done_above_it(city: Reader) -> None:
    for name, next_offset, above in (("at-1", 1, []), ("at-2", 2, []), ("at-3", 3, []), ("beside", 1, [2])):
        subscribe(city, name)
        progress(city, name, next_offset, done_above=above)
    assert states(city) == {
        "at-1": ("waiting", None),
        "at-2": ("waiting", 1),
        "at-3": ("received", 2),
        "beside": ("received", 2),
    }


def test_one_that_fails_or_is_paused_or_has_no_row_yet_says_so(city: Reader) -> None:
    since = {"attempts": 3, "failing_since": NOON_MS, "last_error": HOST}
    for name in ("dead", "failing", "held", "new", "paused"):
        subscribe(city, name, state="paused" if name == "paused" else "active")
    progress(city, "failing", 2, state="waiting", **since)
    progress(city, "dead", 1, state="dead", **since | {"attempts": 0})
    city.receivers.held["held"] = "its account is revoked or expired"
    assert states(city) == {
        "dead": ("failed", None),
        "failing": ("failed", 1),
        "held": ("paused", None),
        "new": ("waiting", None),
        "paused": ("paused", None),
    }
    whys = {one["receiver"]: one["why"] for one in told(city)}
    assert (whys["failing"], whys["held"], whys["new"]) == (HOST, "its account is revoked or expired", None)


def test_who_does_not_want_it_or_came_later_or_has_taken_nothing_is_no_receiver_of_it(city: Reader) -> None:
    subscribe(city, "later", created_at=NOON_MS + 3)
    subscribe(city, "second", created_at=NOON_MS + 2)
    subscribe(city, "all", created_at=NOON_MS + 3, from_beginning=True)
    subscribe(city, "fires", kinds=("fire",))
    subscribe(city, "police", audience="112")
    subscribe(city, "grants", contracts=("core.grant",))
    subscribe(city, "of-file", created_at=0)
    progress(city, "of-file", 9, begun_at=0, delivered=0)  # began at the end of the log
    progress(city, "all", 9)  # of an earlier subscription of that name
    assert states(city) == {
        "all": ("waiting", None),
        "of-file": ("waiting", None),
        "second": ("waiting", None),
    }


def test_names_are_masked_and_errors_are_for_who_may_see_the_subscription(city: Reader) -> None:
    subscribe(city, "theirs", account_id="another")
    own = city.here.gateway.accounts.of_key(city.keys["with-purpose"], now_ms=NOON_MS)
    assert own is not None
    subscribe(city, "own", account_id=own.account_id)
    for name in ("own", "theirs"):
        progress(city, name, 1, attempts=1, failing_since=NOON_MS, last_error=HOST)

    def seen(role: str) -> list[tuple[str | None, str | None]]:
        return [(one["receiver"], one["why"]) for one in told(city, role)]

    assert seen("supervisor") == [("own", HOST), ("theirs", HOST)]
    assert seen("cleared") == [("own", None), ("theirs", None)]
    assert seen("viewer") == [(None, None), (None, None)]
    assert seen("with-purpose") == [("own", HOST)]
    assert seen("no-purpose") == []


def test_it_is_read_as_the_situation_is(city: Reader) -> None:
    asked = {
        role: city.get("situations/s/deliveries", role=role)
        for role in ("public", "publisher", "administrator")
    }
    assert {one.status_code for one in asked.values()} == {403}
    city.city.put("core.situation", situation_id="x", agencies=["112"], status="open")
    assert city.get("situations/x/deliveries").status_code == 404
    assert city.get("situations/none/deliveries").status_code == 404
    assert city.get("situations/s/deliveries?as_of=1").json()["field"] == "as_of"
    answer = city.get("situations/s/deliveries")
    again = city.get("situations/s/deliveries", if_none_match=answer.headers["etag"])
    assert again.status_code == 304
    city.receivers.trouble = "the rows are being read"
    assert city.get("situations/s/deliveries").status_code == 503

"""Alerts in CAP over HTTP: who reads which, what has changed since, and pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from lxml import etree

from connectors.formats.cap_feed import current
from connectors.formats.cap_out import HOUR_MS, NAMESPACE, CapMessage, Publisher, cap_message
from connectors.formats.xml_signature import XmlSigner
from connectors.gateway import published
from connectors.gateway.accounts import new_key
from connectors.gateway.app import app_of
from connectors.gateway.cap import CapPart
from connectors.gateway.published import RETENTION_MS, PublishedAlerts
from connectors.subscribers import Subscriber
from tests.cap_rules import faults
from tests.unit.connectors.test_xml_signature import KINDS, a_key, is_valid, pem
from tests.unit.gateway.an_app import NOON_MS, Here, a_gateway

FEED = "/v1/springfield/cap"
SCHEMA = "alerts/cap/schema/cap12_extended.xsd"
ATOM = "{http://www.w3.org/2005/Atom}"


def an_alert(
    alert_id: str = "A", revision: int = 1, audience: str = "public", **other: Any
) -> dict[str, Any]:
    return {
        "event_time": NOON_MS - 600_000 + 1_000 * revision,
        "alert_id": alert_id,
        "revision": revision,
        "situation_id": f"of-{alert_id}",
        "message_type": "alert" if revision == 1 else "update",
        "audience": audience,
        "headline": f"Fire {alert_id}, told {revision}",
        "kind": "fire.building",
        "severity": "severe",
        "urgency": "immediate",
        "certainty": "likely",
        "area": {"lat": 36.35, "lon": 127.38, "radius_m": 500.0},
        "position": {"lat": 36.351234, "lon": 127.381234, "accuracy_m": None},
        "references": [{"name": "guardian", "reference": "vault/7"}],
    } | other


@dataclass
class Room:
    """A gateway that serves CAP."""

    here: Here
    alerts: PublishedAlerts
    part: CapPart

    def get(self, path: str = FEED, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as client:
                return await client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

        return asyncio.run(ask())

    def __post_init__(self) -> None:
        self.app = app_of(self.here.gateway, self.part)

    def put(self, *values: dict[str, Any]) -> None:
        for value in values:
            self.alerts.put(value)

    def key(self, **about: Any) -> str:
        """The header of a new subscriber's key."""
        key, account = new_key("springfield", "119", [], now_ms=NOON_MS, subscribes=True, **about)
        self.here.gateway.accounts.put(account.value or {})
        return f"Bearer {key}"

    def listed(self, path: str = FEED, **headers: str) -> list[str]:
        """The identifiers of the feed's messages."""
        answer = self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        found = etree.fromstring(answer.content).iter(f"{{{NAMESPACE}}}identifier")
        return [str(one.text) for one in found]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    publisher = Publisher(
        city="springfield",
        title="Springfield & <sons>",
        sender="alerts@springfield.example",
        timezone=ZoneInfo("Asia/Seoul"),
        languages=("ko",),
        restrictions={"112": "for the police"},
    )
    alerts = PublishedAlerts(publisher)
    with a_gateway(tmp_path) as here:
        yield Room(here, alerts, CapPart(alerts, NOON_MS))


def test_without_a_key_public_alerts_alone_are_read(room: Room) -> None:
    room.put(an_alert("A"), an_alert("B", audience="119"), an_alert("C", audience="112"))
    assert room.listed() == ["A-1"]
    assert room.get(f"{FEED}/A-1.xml").status_code == 200
    for identifier in ("B-1", "C-1", "A-2", "A-0", "A", "A-01", "A-1e0", "%20", "-", "A-" + "9" * 50):
        answer = room.get(f"{FEED}/{identifier}.xml")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_subscriber_reads_its_own_audience_too_with_scope_and_addresses(room: Room) -> None:
    room.put(an_alert("A"), an_alert("B", audience="119"), an_alert("C", audience="112"))
    own, every, none = room.key(audience="119"), room.key(audience="*"), room.key()
    assert sorted(room.listed(authorization=own)) == ["A-1", "B-1"]
    assert sorted(room.listed(authorization=every)) == ["A-1", "B-1", "C-1"]
    assert room.listed(authorization=none) == ["A-1"]
    assert room.get(f"{FEED}/C-1.xml", authorization=own).status_code == 404
    said = {}
    for identifier in ("A-1", "B-1", "C-1"):
        root = etree.fromstring(room.get(f"{FEED}/{identifier}.xml", authorization=every).content)
        said[identifier] = [
            root.findtext(f"{{{NAMESPACE}}}{name}") for name in ("scope", "restriction", "addresses")
        ]
    assert said == {
        "A-1": ["Public", None, None],
        "B-1": ["Private", None, "springfield.119"],
        "C-1": ["Restricted", "for the police", "springfield.112"],
    }


def test_a_wrong_key_and_one_that_only_publishes_are_refused_as_problems(room: Room) -> None:
    room.put(an_alert())
    for path in (FEED, f"{FEED}/A-1.xml"):
        for said, status in (("Bearer bongsu_x_y", 401), (f"Bearer {room.here.key}", 403), ("Basic x", 401)):
            answer = room.get(path, authorization=said)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                "application/problem+json",
            )
    assert room.get("/v1/elsewhere/cap").status_code == 404


def test_whoever_reads_no_position_and_no_reference_to_a_person_leaves(room: Room) -> None:
    room.put(an_alert(audience="119"))
    key = room.key(audience="*", purposes=["fire-safety"])
    for path in (FEED, f"{FEED}/A-1.xml"):
        body = room.get(path, authorization=key).text
        assert "36.35,127.38 0.5" in body
        assert "vault" not in body
        assert "36.351234" not in body


def test_a_document_is_what_the_feed_holds_and_names_the_messages_before(room: Room, data_dir: Path) -> None:
    values = [
        an_alert(),
        an_alert(revision=2),
        an_alert(revision=3, message_type="cancel"),
        an_alert(revision=4),
    ]
    room.put(*values)
    bodies = [room.get(f"{FEED}/A-{number}.xml") for number in (1, 2, 3, 4)]
    assert {one.headers["content-type"] for one in bodies} == {"application/cap+xml"}
    schema = etree.XMLSchema(etree.parse(data_dir / SCHEMA))
    for one in bodies:
        schema.assertValid(etree.fromstring(one.content))
    assert faults(one.content for one in bodies) == []
    types = [etree.fromstring(one.content).findtext(f"{{{NAMESPACE}}}msgType") for one in bodies]
    assert types == ["Alert", "Update", "Cancel", "Alert"]
    (held,) = etree.fromstring(room.get().content).iter(f"{{{NAMESPACE}}}alert")
    assert etree.tostring(held, method="c14n2") == etree.tostring(
        etree.fromstring(bodies[-1].content), method="c14n2"
    )


def test_the_feed_is_valid_for_a_reader_of_feeds(room: Room) -> None:
    room.put(an_alert("A"), an_alert("B", event_time=NOON_MS))
    answer = room.get()
    assert answer.headers["content-type"] == "application/atom+xml"
    read = read_as_a_feed(answer.content)
    assert (read.bozo, read.version) == (False, "atom10")
    assert read.feed.title == "Springfield & <sons>"
    assert read.feed.id == "http://city.example/v1/springfield/cap"
    assert [one.title for one in read.entries] == ["Fire B, told 1", "Fire A, told 1"]
    assert [one.links[0].href for one in read.entries] == [
        "http://city.example/v1/springfield/cap/B-1.xml",
        "http://city.example/v1/springfield/cap/A-1.xml",
    ]
    assert len({one.id for one in read.entries}) == 2
    assert all(one.updated_parsed for one in (read.feed, *read.entries))
    for one in read.entries:
        assert room.get(one.links[0].href.removeprefix("http://city.example")).status_code == 200


def test_an_empty_feed_is_valid_and_the_same_each_time(room: Room) -> None:
    first, second = room.get(), room.get()
    assert first.content == second.content
    assert read_as_a_feed(first.content).bozo is False
    assert room.get(if_none_match=first.headers["etag"]).status_code == 304


@pytest.mark.parametrize("path", [FEED, f"{FEED}/A-1.xml"])
def test_a_client_that_has_it_already_is_answered_with_304(room: Room, path: str) -> None:
    room.put(an_alert())
    first = room.get(path)
    tag = first.headers["etag"]
    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again = room.get(path, if_none_match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert room.get(path, if_none_match='"x"').status_code == 200
    assert first.headers["last-modified"] == "Thu, 28 May 2026 20:16:41 GMT"
    assert first.headers["vary"] == "Authorization, Cookie"


def test_a_date_alone_is_heeded_for_what_never_changes(room: Room) -> None:
    room.put(an_alert())
    since = room.get().headers["last-modified"]
    assert room.get(f"{FEED}/A-1.xml", if_modified_since=since).status_code == 304
    assert room.get(f"{FEED}/A-1.xml", if_modified_since="Thu, 28 May 2026 20:16:40 GMT").status_code == 200
    assert room.get(f"{FEED}/A-1.xml", if_modified_since="yesterday").status_code == 200
    assert room.get(if_modified_since=since).status_code == 200  # an entry may have expired since


def test_the_feed_has_another_tag_when_a_message_comes_and_when_one_expires(room: Room) -> None:
    room.put(an_alert())
    tags = [room.get().headers["etag"]]
    room.put(an_alert(revision=2))
    tags.append(room.get().headers["etag"])
    room.here.gateway.now_ms = lambda: NOON_MS + 24 * HOUR_MS
    assert room.listed() == []
    tags.append(room.get().headers["etag"])
    assert len(set(tags)) == 3
    assert room.get(f"{FEED}/A-2.xml").status_code == 200  # the document stays, for who refers to it


def test_pages_hold_each_message_once_and_lead_on(room: Room) -> None:
    room.put(*(an_alert(f"N{number}", event_time=NOON_MS - number * 1_000) for number in range(250)))
    found, path, pages = [], FEED, 0
    while path:
        answer = room.get(path)
        found += room.listed(path)
        pages += 1
        links = {
            one.get("rel"): one.get("href") for one in etree.fromstring(answer.content).findall(f"{ATOM}link")
        }
        assert links["self"] == f"http://city.example{path}"
        following = links.get("next")
        assert answer.links.get("next", {}).get("url") == following
        path = (following or "").removeprefix("http://city.example")
    assert found == [f"N{number}-1" for number in range(250)]
    assert pages == 3
    assert len(room.listed(f"{FEED}?limit=1000")) == 250
    assert room.listed(f"{FEED}?page=9") == []


def test_a_page_makes_no_message_but_its_own(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "MESSAGES_MAX", 10)  # fewer are kept than there are
    made: list[str] = []
    make = cap_message

    def counted(value: dict[str, Any], *more: Any) -> CapMessage:
        made.append(value["alert_id"])
        return make(value, *more)

    monkeypatch.setattr(published, "cap_message", counted)
    room.put(*(an_alert(f"A{number:03}", event_time=NOON_MS - number * 1_000) for number in range(60)))
    for page, after in ((1, 0), (7, 30), (12, 55)):
        made.clear()
        first = [f"A{number:03}" for number in range(after, after + 5)]
        assert room.listed(f"{FEED}?page={page}&limit=5") == [f"{one}-1" for one in first]
        assert made == first


def test_the_order_of_the_feed_is_that_of_all_its_messages() -> None:
    """By any way: revisions out of order, cancels, ends, ids that CAP cannot carry, readers of several audiences."""
    chance = Random(22)
    publisher = Publisher(
        city="s", title="S", sender="a@s.example", timezone=ZoneInfo("UTC"), lasts_ms=7_200_500
    )
    alerts, values = PublishedAlerts(publisher), dict[tuple[str, int], dict[str, Any]]()
    for _ in range(600):
        its_id, revision = f"{chance.choice(['A', 'B', 'no '])}{chance.randrange(60)}", chance.randrange(1, 5)
        value = an_alert(
            its_id,
            revision,
            ["public", "119", "112"][hash_of(its_id) % 3],
            event_time=NOON_MS - chance.randrange(12_000_000),
            message_type=chance.choice(["update", "cancel"]),
        )
        if (its_id, revision) not in values:
            values[its_id, revision] = value
            alerts.put(value)
    for audience in (None, "119", "*"):
        reader = None if audience is None else Subscriber(audience)
        seen = {None: {"public"}, "119": {"public", "119"}, "*": {"public", "119", "112"}}[audience]
        newest: list[CapMessage] = []
        for (its_id, revision), value in values.items():
            others = [
                one for (other, number), one in values.items() if other == its_id and number != revision
            ]
            if value["audience"] in seen and not its_id.startswith("no "):
                earlier = [one for one in others if one["revision"] < revision]
                newest.append(cap_message(value, earlier, publisher))
        for now_ms in (NOON_MS, NOON_MS + 1, NOON_MS + 999, NOON_MS - 4_000_000, NOON_MS + 7_000_000):
            expected = current(newest, now_ms=now_ms, entries_max=None)
            assert alerts.current(reader, now_ms=now_ms) == (expected, False)
            part, more = alerts.current(reader, now_ms=now_ms, start=3, count=4)
            assert (part, more) == (expected[3:7], len(expected) > 7)


def hash_of(its_id: str) -> int:
    return sum(its_id.encode())


@pytest.mark.parametrize(
    "asked", ["page=0", "page=x", "limit=0", "limit=1001", "page=1e2", "limit=", "page=%C2%B2"]
)
def test_a_page_that_is_none_is_refused(room: Room, asked: str) -> None:
    answer = room.get(f"{FEED}?{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("host", ["city.example/x", "a b", "<x>", "u@h"])
def test_a_host_that_is_none_is_refused(room: Room, host: str) -> None:
    assert room.get(host=host).status_code == 400


def test_the_addresses_are_those_that_the_city_names(room: Room) -> None:
    room.put(an_alert())
    room.part.url = "https://alerts.city.example/x"
    read = read_as_a_feed(room.get().content)
    assert read.entries[0].links[0].href == "https://alerts.city.example/x/v1/springfield/cap/A-1.xml"


def test_the_description_names_each_form_of_an_answer(room: Room) -> None:
    paths = room.app.openapi()["paths"]
    for path, media_type in (
        (FEED, "application/atom+xml"),
        (f"{FEED}/{{identifier}}.xml", "application/cap+xml"),
    ):
        its = paths[path.replace("springfield", "{city}")]["get"]
        forms = {status: set(one.get("content", ())) for status, one in its["responses"].items()}
        assert forms.pop("200") == {media_type}
        assert forms.pop("304") == set()
        assert set(map(frozenset, forms.values())) == {frozenset({"application/problem+json"})}
        assert its["security"] == [{}, {"key": []}, {"session": []}]


def test_until_all_alerts_are_read_the_reader_is_told_to_come_again(room: Room) -> None:
    room.part.trouble = lambda: "the alerts are being read"
    for path in (FEED, f"{FEED}/A-1.xml"):
        answer = room.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_an_address_without_a_key_is_held_back_and_a_subscriber_is_not(room: Room) -> None:
    room.here.gateway.now_s = lambda: 1.0
    statuses = [room.get().status_code for _ in range(41)]
    assert statuses == [200] * 40 + [429]
    assert room.get(authorization=room.key()).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_signed_and_xmlsec1_finds_it_valid(room: Room, kind: str, tmp_path: Path) -> None:
    room.put(an_alert())
    plain = room.get(f"{FEED}/A-1.xml")
    room.part.sign = XmlSigner(pem(a_key(kind))).sign
    first, second = room.get(f"{FEED}/A-1.xml"), room.get(f"{FEED}/A-1.xml")
    assert is_valid(first.content, kind, tmp_path)
    assert not is_valid(first.content.replace(b"severe".title(), b"Minor"), kind, tmp_path)
    assert first.content == second.content != plain.content


def test_alerts_older_than_their_topic_keeps_them_are_dropped() -> None:
    alerts = some_alerts()
    alerts.put(an_alert("old", event_time=NOON_MS))
    alerts.put(an_alert("new", event_time=NOON_MS + RETENTION_MS + 1))
    assert (alerts.message("old-1", None), len(alerts)) == (None, 1)
    assert alerts.message("new-1", None) is not None


def test_of_too_many_alerts_the_one_that_changed_longest_ago_goes() -> None:
    alerts = some_alerts(revisions_max=3)
    for its_id, revision in (("A", 1), ("B", 1), ("A", 2), ("C", 1)):
        alerts.put(an_alert(its_id, revision))
    assert [alerts.message(one, None) is not None for one in ("A-1", "A-2", "B-1", "C-1")] == [
        True,
        True,
        False,
        True,
    ]
    for revision in range(1, 9):
        alerts.put(an_alert("D", revision))
    assert len(alerts) == 3
    assert alerts.message("D-8", None) is not None


def some_alerts(**bounds: int) -> PublishedAlerts:
    publisher = Publisher(city="c", title="C", sender="a@c.example", timezone=ZoneInfo("UTC"))
    return PublishedAlerts(publisher, **bounds)


def read_as_a_feed(body: bytes) -> Any:
    import feedparser  # noqa: PLC0415 - the other tests run without it

    return feedparser.parse(body)


def test_one_page_is_made_at_a_time_however_many_ask(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.put(an_alert("A"))
    inside, most = 0, 0
    current = room.alerts.current

    def slow(*one: Any, **about: Any) -> tuple[list[CapMessage], bool]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        sleep(0.01)  # the time in which another thread would come in
        inside -= 1
        return current(*one, **about)

    monkeypatch.setattr(PublishedAlerts, "current", lambda _self, *one, **about: slow(*one, **about))

    async def strangers() -> list[int]:
        async def ask(number: int) -> int:
            transport = httpx.ASGITransport(room.app, client=(f"10.0.0.{number}", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as client:
                return (await client.get(FEED)).status_code

        return await asyncio.gather(*map(ask, range(10)))

    assert (set(asyncio.run(strangers())), most) == ({200}, 1)


def test_strangers_of_one_ipv6_network_have_one_rate(room: Room) -> None:
    room.put(an_alert("A"))

    async def asked(address: str) -> int:
        transport = httpx.ASGITransport(room.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as client:
            return (await client.get(FEED)).status_code

    async def strangers() -> tuple[list[int], int]:
        answers = [await asked(f"2001:db8:1:2::{number:x}") for number in range(200)]
        return answers, await asked("2001:db8:1:3::1")

    answers, neighbour = asyncio.run(strangers())
    assert (set(answers), neighbour) == ({200, 429}, 200)


def test_a_page_for_anybody_is_none_of_a_key(room: Room) -> None:
    room.put(an_alert("A"))
    ours, anybodys = room.get(authorization=room.key()), room.get()
    assert ours.headers["etag"] != anybodys.headers["etag"]

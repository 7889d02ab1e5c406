"""The city's alerts as CAP 1.2: message types, references, scope, languages, hostile text; the feed; the second check."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

import connectors
from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.formats.cap_feed import KEPT_MS, atom_feed, current
from connectors.formats.cap_out import (
    HOUR_MS,
    REFERENCES_MAX,
    TEXT_LETTERS_MAX,
    CapMessage,
    Publisher,
    cap_message,
)
from connectors.formats.cap_words import CATEGORIES, category
from schemas.errors import Fatal, Invalid
from schemas.kinds import load_kinds
from tests.cap_rules import faults

NOON = 1_780_315_200_000
"""2026-06-01 12:00 UTC, 21:00 in Seoul"""
MINUTE = 60_000
CITY = Publisher(
    city="springfield",
    title="Springfield",
    sender="alerts@springfield.example",
    timezone=ZoneInfo("Asia/Seoul"),
    language="ko",
    languages=("en",),
)
ALERT = "0123456789abcdef0123456789abcdef"
ADDRESS = "https://springfield.example/v1/springfield/cap"
PERSONAL = "Jane Roe, 12 Elm Street"


def an_alert(revision: int = 1, *, minute: float = 0, kind_of: str = "alert", **other: Any) -> dict[str, Any]:
    return {
        "event_time": NOON + round(minute * MINUTE),
        "received_time": NOON,
        "position": {"lat": 36.123456, "lon": 127.123456, "accuracy_m": 3.0},
        "alert_id": ALERT,
        "revision": revision,
        "situation_id": "5" * 32,
        "message_type": kind_of,
        "audience": "public",
        "headline": "건물 화재: 119, 접수",
        "area": {"lat": 36.35, "lon": 127.38, "radius_m": 500.0},
        "severity": "severe",
        "urgency": "immediate",
        "certainty": "likely",
        "kind": "fire.building",
        "situation_revision": 1,
        "evidence": [{"event_id": PERSONAL}],
        "rule": "joint-incident",
        "references": [{"name": "guardian", "reference": PERSONAL}],
    } | other


def told(*values: dict[str, Any], by: Publisher = CITY) -> list[CapMessage]:
    """Each of *values* with those before it."""
    return [cap_message(one, values[:number], by) for number, one in enumerate(values)]


def said(message: CapMessage | bytes, name: str) -> list[str | None]:
    body = message if isinstance(message, bytes) else message.body
    return [one.text for one in etree.fromstring(body).iter(f"{{*}}{name}")]


def ref(revision: int, clock: str) -> str:
    return f"alerts@springfield.example,{ALERT}-{revision},2026-06-01T{clock}+09:00"


@pytest.fixture(scope="module")
def schema(data_dir: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(data_dir / "alerts/cap/schema/cap12_extended.xsd"))


def test_a_life_from_alert_to_cancel(schema: etree.XMLSchema) -> None:
    life = told(
        an_alert(), an_alert(2, minute=1, kind_of="update"), an_alert(3, minute=2.5, kind_of="cancel")
    )
    assert [one.type for one in life] == ["Alert", "Update", "Cancel"]
    assert [one.identifier for one in life] == [f"{ALERT}-1", f"{ALERT}-2", f"{ALERT}-3"]
    assert said(life[2], "sent") == ["2026-06-01T21:02:30+09:00"]
    assert said(life[0], "references") == []
    assert said(life[2], "references") == [f"{ref(1, '21:00:00')} {ref(2, '21:01:00')}"]
    assert said(life[0], "circle") == ["36.35,127.38 0.5"] * 2
    assert all(schema.validate(etree.fromstring(one.body)) for one in life)
    assert faults(one.body for one in life) == []


def test_a_cancelled_alert_is_not_revived_but_told_anew() -> None:
    life = told(
        an_alert(),
        an_alert(2, minute=1, kind_of="cancel"),
        an_alert(3, minute=2, kind_of="update"),
        an_alert(4, minute=3, kind_of="cancel"),
    )
    assert [one.type for one in life] == ["Alert", "Cancel", "Alert", "Cancel"]
    assert said(life[3], "references") == [ref(3, "21:02:00")]
    assert faults(one.body for one in life) == []


def test_what_has_expired_is_not_updated() -> None:
    brief = replace(CITY, lasts_ms=90_000)
    life = told(
        an_alert(),
        an_alert(2, minute=1, kind_of="update"),
        an_alert(3, minute=2, kind_of="update"),
        an_alert(4, minute=9, kind_of="update"),
        an_alert(5, minute=20, kind_of="cancel"),
        by=brief,
    )
    assert [one.type for one in life] == ["Alert", "Update", "Update", "Alert", "Cancel"]
    assert said(life[2], "references") == [ref(2, "21:01:00")]
    assert said(life[4], "references") == [ref(4, "21:09:00")]
    assert said(life[3], "expires") == ["2026-06-01T21:10:30+09:00"] * 2
    assert faults(one.body for one in life) == []


def test_no_revision_is_sent_before_an_earlier_one() -> None:
    life = told(
        an_alert(), an_alert(2, minute=-5, kind_of="update"), an_alert(3, minute=-1, kind_of="cancel")
    )
    assert [one.sent_ms for one in life] == [NOON] * 3
    assert faults(one.body for one in life) == []


def test_the_order_in_which_earlier_revisions_are_given_changes_nothing() -> None:
    before = [an_alert(), an_alert(2, minute=1, kind_of="update"), an_alert(3, minute=2, kind_of="update")]
    one = cap_message(an_alert(4, minute=3, kind_of="update"), before, CITY)
    assert one == cap_message(an_alert(4, minute=3, kind_of="update"), [*before[::-1], an_alert(5)], CITY)


def test_a_revision_of_another_alert_is_refused() -> None:
    with pytest.raises(Invalid):
        cap_message(an_alert(2), [an_alert(alert_id="f" * 32)], CITY)


def test_only_so_many_references_are_named() -> None:
    before = [an_alert(number, minute=number / 60) for number in range(1, REFERENCES_MAX + 50)]
    references = (
        said(cap_message(an_alert(999, minute=10, kind_of="update"), before, CITY), "references")[0] or ""
    )
    assert len(references.split()) == REFERENCES_MAX
    assert references.endswith(ref(REFERENCES_MAX + 49, "21:04:09"))


def test_utc_is_written_as_the_standard_says() -> None:
    assert said(told(an_alert(), by=replace(CITY, timezone=ZoneInfo("UTC")))[0], "sent") == [
        "2026-06-01T12:00:00-00:00"
    ]


def test_scope_and_addresses_come_from_the_audience(schema: etree.XMLSchema) -> None:
    by = replace(CITY, restrictions={"112": "police officers on duty"})
    public, police, other = (
        told(an_alert(audience=one), by=by)[0] for one in ("public", "112", "protection centre")
    )
    assert [one.scope for one in (public, police, other)] == ["Public", "Restricted", "Private"]
    assert (said(public, "addresses"), said(public, "restriction")) == ([], [])
    assert said(police, "restriction") == ["police officers on duty"]
    assert said(other, "addresses") == ['"springfield.protection centre"']
    assert all(schema.validate(etree.fromstring(one.body)) for one in (public, police, other))
    assert all(faults([one.body]) == [] for one in (public, police, other))


def test_nothing_but_the_area_says_where_and_nothing_says_who() -> None:
    for audience in ("public", "119"):
        body = told(an_alert(audience=audience))[0].body.decode()
        assert "36.123456" not in body
        assert "127.123456" not in body
        assert PERSONAL not in body
        assert "guardian" not in body


def test_each_language_has_a_block_with_words_of_its_own(schema: etree.XMLSchema) -> None:
    by = replace(CITY, languages=("en", "ko", "fr"))
    alone = told(an_alert(), by=by)[0]
    assert said(alone, "language") == ["ko", "en"]  # nobody has a word of French
    assert said(alone, "event") == ["건물 화재", "Building fire"]
    assert said(alone, "headline") == ["건물 화재: 119, 접수"]
    further = {"en": "Building fire: 119", "fr": "Incendie", "ko": "?"}
    headlines = [{"language": code, "headline": words} for code, words in further.items()]
    given = told(an_alert(headlines=headlines), by=by)[0]
    assert said(given, "language") == ["ko", "en", "fr"]
    assert said(given, "headline") == ["건물 화재: 119, 접수", "Building fire: 119", "Incendie"]
    assert schema.validate(etree.fromstring(given.body))


def test_a_language_has_one_block_however_its_tag_is_written(schema: etree.XMLSchema) -> None:
    by = replace(CITY, languages=("KO", "en-GB", "EN-gb", "en-GB", "en"))
    one = told(an_alert(headlines=[{"language": "en", "headline": "Fire"}]), by=by)[0]
    assert said(one, "language") == ["ko", "en-GB", "en"]
    assert said(one, "headline") == ["건물 화재: 119, 접수", "Fire", "Fire"]
    assert faults([one.body]) == []
    twice = one.body.replace(b"en-GB", b"EN")
    assert [fault.split(": ")[1] for fault in faults([twice])] == ["two info blocks have one language"]


def test_words_that_cap_lacks_are_unknown_and_a_kind_has_its_ancestors_category() -> None:
    one = told(an_alert(severity="grave", urgency="unknown", certainty="very likely", kind="fire.new.er"))[0]
    assert [said(one, name)[0] for name in ("severity", "urgency", "certainty")] == ["Unknown"] * 3
    assert (said(one, "category")[0], said(one, "event")[0]) == ("Fire", "fire.new.er")
    assert (category("nothing"), category("warning.weather.wind")) == ("Other", "Met")
    assert set(CATEGORIES) <= set(load_kinds().names)


def test_an_alert_without_an_area_has_none(schema: etree.XMLSchema) -> None:
    one = told(an_alert(area=None))[0]
    assert said(one, "area") == []
    assert schema.validate(etree.fromstring(one.body))


@pytest.mark.parametrize("lat", [0.0, -0.0000001, 1e-7, 89.9999999])
def test_coordinates_have_no_exponent(lat: float, schema: etree.XMLSchema) -> None:
    one = told(an_alert(area={"lat": lat, "lon": -127.0, "radius_m": 0.4}))[0]
    assert "e" not in (said(one, "circle")[0] or "e")
    assert schema.validate(etree.fromstring(one.body))


HOSTILE = "</headline><x a='1'>&\"]]> <!-- \x00\x08\ud800\ufffe\x7f\u2028\r\nnext" + "x" * 2_000


def test_hostile_text_stays_text(schema: etree.XMLSchema) -> None:
    by = replace(CITY, title=HOSTILE, restrictions={"fd": HOSTILE})
    odd: dict[str, Any] = {"headline": HOSTILE, "kind": HOSTILE, "situation_id": HOSTILE, "severity": HOSTILE}
    for audience in ("public", "fd", HOSTILE):
        one = told(an_alert(audience=audience, **odd), by=by)[0]
        assert schema.validate(etree.fromstring(one.body)), schema.error_log
        headline = said(one, "headline")[0] or ""
        assert headline.startswith("</headline><x a='1'>&\"]]> <!-- ")
        assert (len(headline), "\n" in headline) == (TEXT_LETTERS_MAX, False)
        etree.fromstring(atom_feed([one], by, address=ADDRESS, now_ms=NOON, public=False))


@pytest.mark.parametrize("name", ["a b", "a,b", "a<b", "a&b", "", "a\x00"])
def test_an_id_that_cap_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(Fatal):
        replace(CITY, sender=name)
    if name:
        with pytest.raises(Invalid):
            told(an_alert(alert_id=name))


def test_a_message_that_expires_when_it_is_sent_is_refused() -> None:
    with pytest.raises(Fatal):
        replace(CITY, lasts_ms=999)


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(connectors.__file__).parent / "CAP.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(example, "CAP.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.strip() == example.rstrip().rpartition("# ")[2]


# -- the feed ------------------------------------------------------------------------------------------------


def test_a_feed_links_and_holds_each_message(schema: etree.XMLSchema) -> None:
    life = told(an_alert(), an_alert(2, minute=1, kind_of="update"))
    feed = atom_feed(life, CITY, address=ADDRESS, now_ms=0)
    assert feed == atom_feed(life, CITY, address=ADDRESS, now_ms=0)
    root = etree.fromstring(feed)
    assert said(feed, "updated") == ["2026-06-01T12:01:00Z", "2026-06-01T12:00:00Z", "2026-06-01T12:01:00Z"]
    links = [one.get("href") for one in root.iter("{*}link")]
    assert links == [ADDRESS, f"{ADDRESS}/{ALERT}-1.xml", f"{ADDRESS}/{ALERT}-2.xml"]
    ids = said(feed, "id")
    assert len(set(ids)) == 3
    assert ids[1:] == said(atom_feed(life, CITY, address="https://other.example", now_ms=0), "id")[1:]
    inner = [content[0] for content in root.iter("{*}content")]
    assert all(schema.validate(etree.fromstring(etree.tostring(one))) for one in inner)
    assert len(inner) == 2
    bare = atom_feed(life, CITY, address=ADDRESS, now_ms=0, with_content=False)
    assert said(bare, "content") == []
    assert said(atom_feed([], CITY, address=ADDRESS, now_ms=NOON), "updated") == ["2026-06-01T12:00:00Z"]


def test_a_public_feed_holds_no_other_message() -> None:
    with pytest.raises(Invalid):
        atom_feed(told(an_alert(audience="112")), CITY, address=ADDRESS, now_ms=0)


def test_a_feed_tells_the_newest_of_each_alert_until_its_end() -> None:
    life = told(an_alert(), an_alert(2, minute=1, kind_of="update"), an_alert(3, minute=2, kind_of="cancel"))
    other = told(an_alert(alert_id="b" * 32, minute=5))
    at = [NOON + 6 * MINUTE, NOON + 2 * MINUTE + KEPT_MS, NOON + 24 * HOUR_MS + 5 * MINUTE]
    shown = [[one.identifier[-3:] for one in current([*life, *other], now_ms=now)] for now in at]
    assert shown == [["b-1", "f-3"], ["b-1"], []]


def test_the_source_of_cap_reads_the_feed() -> None:
    context = SourceContext(
        "springfield", "neighbour", CITY.timezone, Bounds(36, 127, 37, 128), language="en"
    )
    source = load_source("cap_alerts", context, {"agency": "neighbour"})
    feed = atom_feed(told(an_alert(kind="crash.vehicle")), CITY, address=ADDRESS, now_ms=0)
    (event,) = source.read(Heard(feed, NOON), {}).events
    assert event.value is not None
    assert (event.value["kind"], event.value["kind_text"]) == ("crash.vehicle", "Vehicle crash")


# -- the second check can fail -------------------------------------------------------------------------------


LIFE = [an_alert(), an_alert(2, minute=1, kind_of="update"), an_alert(3, minute=2, kind_of="update")]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("21:02:00+09:00</sent>", "12:02:00Z</sent>", "sent is"),
        ("21:02:00+09:00</sent>", "12:02:00+00:00</sent>", "sent is"),
        ("21:02:00+09:00</sent>", "20:02:00+09:00</sent>", "sent is before"),
        ("<expires>2026-06-02", "<expires>2026-05-02", "expires is not after sent"),
        (ref(1, "21:00:00") + " ", "", "an earlier message in force is not referenced"),
        (ref(1, "21:00:00"), ref(1, "21:00:01"), "was never sent"),
        (
            ref(1, "21:00:00") + " " + ref(2, "21:01:00"),
            ref(2, "21:01:00") + " " + ref(1, "21:00:00"),
            "earliest",
        ),
        (ref(1, "21:00:00"), ref(1, "21:00:00") + " " + ref(1, "21:00:00"), "twice"),
        ("Update", "Alert", "Alert with 2 references"),
        (f"{ALERT}-3</identifier>", f"{ALERT}-2</identifier>", "identifier was used before"),
        ("<scope>Public", "<scope>Private", "has no addresses"),
        ("<scope>Public", "<scope>Restricted", "has no restriction"),
        ("</scope>", "</scope><addresses>a</addresses>", "a Public message has addresses"),
        ("<language>en", "<language>ko", "one language"),
    ],
)
def test_the_second_check_finds_each_fault(old: str, new: str, fault: str) -> None:
    bodies = [one.body.decode() for one in told(*LIFE)]
    assert faults(one.encode() for one in bodies) == []
    assert old in bodies[2]
    bodies[2] = bodies[2].replace(old, new)
    assert any(fault in one for one in faults(one.encode() for one in bodies))


def test_the_second_check_finds_what_was_revived_or_had_expired() -> None:
    revived = [one.body for one in told(*LIFE)]
    revived[1] = revived[1].replace(b"Update", b"Cancel")
    assert any("a cancelled message is referenced" in one for one in faults(revived))
    expired = [one.body for one in told(*LIFE)]
    expired[0] = expired[0].replace(b"<expires>2026-06-02T21:00", b"<expires>2026-06-01T21:02")
    assert any("an expired message is referenced" in one for one in faults(expired))

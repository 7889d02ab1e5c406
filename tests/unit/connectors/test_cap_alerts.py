"""Warnings: messages of three versions, feeds and envelopes; their life from Alert to Update, Cancel and expiry."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import BadConfig, load_source
from connectors.sources import cap_alerts
from connectors.subjects import lasting
from connectors.subjects.lasting import EXPIRED, OVER
from connectors.transport import linked_pages
from tests.contract.a_web_server import a_web_server
from tests.unit.connectors.one_life import MINUTE, NOON, OneLife

CAP = "urn:oasis:names:tc:emergency:cap:1.%d"
VERSIONS = ("http://www.incident.com/cap/1.0", CAP % 1, CAP % 2)
CITY = SourceContext(
    "springfield", "warnings", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95)
)
POLYGON = "<polygon>29.70,-95.50 29.80,-95.50 29.80,-95.30 29.70,-95.30 29.70,-95.50</polygon>"
CODE = "<geocode><valueName>UGC</valueName><value>%s</value></geocode>"


def clock(minute: int) -> str:
    return f"2026-06-01T{12 + minute // 60:02d}:{minute % 60:02d}:00-00:00"


def an_info(*, area: str = POLYGON, language: str = "en-US", until: int | None = 60, **other: str) -> str:
    said = {
        "event": "Flood Warning",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Likely",
    } | other
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in said.items())
    expires = "" if until is None else f"<expires>{clock(until)}</expires>"
    place = f"<area><areaDesc>The creek</areaDesc>{area}</area>" if area else ""
    return f"<info><language>{language}</language><category>Met</category>{fields}{expires}{place}</info>"


def an_alert(
    number: int = 1, *, minute: int | None = None, kind: str = "Alert", refs: str = "", **other: Any
) -> str:
    """Alert *number*, sent in that minute unless *minute* says another; *refs*: as CAP writes references."""
    info = other.pop("info", "" if kind == "Cancel" else an_info())
    fields = {
        "identifier": f"W-{number}",
        "sender": "w@weather.example",
        "sent": clock(number if minute is None else minute),
        "status": "Actual",
        "msgType": kind,
        "scope": "Public",
        "references": refs,
    } | other
    space = fields.pop("space", VERSIONS[2])
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)
    return f'<alert xmlns="{space}">{inner}{info}</alert>'


def ref(number: int) -> str:
    return f"w@weather.example,W-{number},{clock(number)}"


def a_feed(*alerts: str) -> str:
    entries = "".join(f'<entry><content type="text/xml">{one}</content></entry>' for one in alerts)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'


def omit(name: str) -> dict[str, Any]:
    return {name: None}


def blank(name: str) -> dict[str, Any]:
    return {name: " "}


class Life(OneLife):
    """A source that hears one body after the other."""

    def __init__(self, context: SourceContext = CITY, **config: Any) -> None:
        super().__init__("cap_alerts", context, **{"agency": "weather", **config})


def values(reading: Reading) -> list[Any]:
    return [event.value for event in reading.events]


def states(reading: Reading) -> list[tuple[int, str, str | None]]:
    return [(one["revision"], one["status"], one["closed_reason"]) for one in values(reading)]


# -- messages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", VERSIONS)
def test_each_version_is_read(space: str) -> None:
    (told,) = values(Life().hear(an_alert(space=space)))
    assert (told["kind"], told["kind_text"], told["agency"]) == (
        "warning.weather",
        "Flood Warning",
        "weather",
    )
    assert told["priority"] == "Severe, Immediate, Likely"
    assert told["agency_case_no"] == "W-1"
    assert told["address"] == "The creek"
    assert told["event_time"] == NOON + MINUTE


@pytest.mark.parametrize("missing", ["identifier", "sender", "sent", "status", "msgType", "scope"])
def test_a_message_without_a_needed_part_is_refused_by_its_name(missing: str) -> None:
    reading = Life().hear(an_alert(**omit(missing)))
    assert not reading.events
    assert [one.field for one in reading.aside] == [missing]


@pytest.mark.parametrize("missing", ["event", "urgency", "severity", "certainty"])
def test_an_info_without_a_needed_part_is_refused_by_its_name(missing: str) -> None:
    reading = Life().hear(an_alert(info=an_info(**blank(missing))))
    assert ([*reading.events], [one.field for one in reading.aside]) == ([], [missing])


def test_what_cap_does_not_name_is_read_by_the_stated_rules() -> None:
    odd = an_info(urgency="immediate", severity="Terrible", area=POLYGON.replace(" 29.70,-95.50</", "</"))
    reading = Life().hear(
        an_alert(status="ACTUAL", info="<x xmlns='urn:x'/>" + odd.replace("<category>Met</category>", ""))
    )
    (told,) = values(reading)
    assert told["priority"] == "Unknown, Immediate, Likely"
    assert reading.noted["severity unknown: Terrible"] == 1
    assert told["kind_source"] == "unknown"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"status": "Real"}, "status"),
        ({"msgType": "Revise"}, "msgType"),
        ({"sent": "2026-06-01T12:00:00"}, "sent"),
        ({"info": ""}, "info"),
        ({"info": an_info(area="<polygon>29.7,-95.5 29.8,-95.4</polygon>")}, "polygon"),
        ({"info": an_info(area="<polygon>29.7,-95.5 29.8,-95.4 29.9</polygon>")}, "polygon"),
        ({"info": an_info(area="<circle>29.7,-95.5</circle>")}, "circle"),
        ({"info": an_info(area="<circle>29.7,-95.5 -3</circle>")}, "circle"),
        ({"info": an_info(area="<circle>129.7,-95.5 3</circle>")}, "circle"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(wrong: dict[str, Any], field: str) -> None:
    reading = Life().hear(an_alert(**wrong))
    assert ([*reading.events], [one.field for one in reading.aside]) == ([], [field])


def test_one_bad_alert_of_a_feed_costs_no_neighbour_and_is_read_again_alone() -> None:
    life = Life()
    reading = life.hear(a_feed(an_alert(1), an_alert(2, scope=None), an_alert(3)))
    assert [one["agency_case_no"] for one in values(reading)] == ["W-1", "W-3"]
    (aside,) = reading.aside
    mended = aside.original.decode().replace("<references", "<scope>Public</scope><references")
    assert [one["agency_case_no"] for one in values(life.hear(mended))] == ["W-2"]


def test_exercises_and_answers_are_counted_and_no_incident() -> None:
    bodies = [an_alert(status=one) for one in ("Exercise", "System", "Test", "Draft")]
    bodies += [an_alert(kind=one) for one in ("Ack", "Error")]
    reading = Life().hear(a_feed(*bodies))
    assert not reading.events
    assert dict(reading.skipped) == {
        **{f"status {one}": 1 for one in ("Exercise", "System", "Test", "Draft")},
        "msgType Ack": 1,
        "msgType Error": 1,
    }


def an_envelope(inner: str, status: str = "Actual") -> str:
    space = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
    return (
        f'<EDXLDistribution xmlns="{space}"><distributionStatus>{status}</distributionStatus><contentObject>'
        f"<xmlContent><embeddedXMLContent>{inner}</embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>"
    )


def test_an_envelope_holds_alerts_and_one_of_an_exercise_holds_none() -> None:
    assert len(Life().hear(an_envelope(an_alert() + an_alert(2))).events) == 2
    reading = Life().hear(an_envelope(an_alert() + an_alert(2), "Exercise"))
    assert (list(reading.events), dict(reading.skipped)) == ([], {"envelope of status Exercise": 2})


# -- life ----------------------------------------------------------------------------------------------------


def test_an_update_revises_and_a_cancel_closes_the_same_incident() -> None:
    life = Life()
    first = life.hear(an_alert(1))
    update = life.hear(an_alert(2, kind="Update", refs=ref(1), info=an_info(severity="Extreme")))
    third = life.hear(an_alert(3, kind="Update", refs=ref(2), info=an_info(severity="Minor")))
    cancel = life.hear(an_alert(4, kind="Cancel", refs=ref(3)))
    told = [*values(first), *values(update), *values(third), *values(cancel)]
    assert len({one["incident_id"] for one in told}) == 1
    assert {one["agency_case_no"] for one in told} == {"W-1"}
    assert {one["event_time"] for one in told} == {NOON + MINUTE}
    assert [one["priority"].split(",")[0] for one in told] == ["Severe", "Extreme", "Minor", "Minor"]
    assert [one["status"] for one in told] == ["open", "open", "open", "closed"]
    assert [one["revision"] for one in told] == [1, 2, 3, 4]
    assert told[-1]["closed_reason"] == "cancelled by its sender"


def test_an_old_message_that_stays_in_its_feed_changes_nothing() -> None:
    life = Life()
    update = an_alert(2, kind="Update", refs=ref(1), info=an_info(severity="Minor"))
    everything = a_feed(update, an_alert(1))
    assert states(life.hear(everything)) == [(1, "open", None), (2, "open", None)]
    assert not life.hear(everything).events
    assert states(life.hear(a_feed(an_alert(3, kind="Cancel", refs=f"{ref(1)} {ref(2)}"), an_alert(1)))) == [
        (3, "closed", "cancelled by its sender")
    ]
    assert not life.hear(everything).events


def test_the_update_may_be_heard_before_its_alert() -> None:
    life = Life()
    (told,) = values(life.hear(an_alert(2, kind="Update", refs=ref(1), info=an_info(severity="Extreme"))))
    late = life.hear(an_alert(1))
    assert not late.events
    assert late.skipped["older than what was told"] == 1
    (closed,) = values(life.hear(an_alert(3, kind="Cancel", refs=ref(2))))
    assert closed["incident_id"] == told["incident_id"]


def test_a_cancel_that_is_heard_first_keeps_its_alert_from_being_told() -> None:
    life = Life()
    assert life.hear(an_alert(3, kind="Cancel", refs=ref(1))).skipped == {"a Cancel of nothing that lasts": 1}
    late = life.hear(an_alert(1))
    assert (list(late.events), late.skipped["cancelled before it was heard"]) == ([], 1)


def test_an_update_that_names_two_alerts_goes_on_as_the_first_and_ends_the_other() -> None:
    life = Life()
    one, other = values(life.hear(a_feed(an_alert(1), an_alert(2))))
    told = {
        v["incident_id"]: v
        for v in values(
            life.hear(an_alert(3, kind="Update", refs=f"{ref(1)} {ref(2)}", info=an_info(severity="Minor")))
        )
    }
    assert told[one["incident_id"]]["status"] == "open"
    assert told[other["incident_id"]]["closed_reason"] == "continued in another alert"


def test_an_alert_ends_at_its_expiry_whether_the_body_speaks_of_it_or_not() -> None:
    for later in (a_feed(), a_feed(an_alert())):
        life = Life()
        life.hear(an_alert())
        assert not life.hear(later, minute=59).events
        assert states(life.hear(later, minute=60)) == [(2, "closed", EXPIRED)]
        assert not life.hear(later, minute=61).events


def test_an_update_after_the_expiry_opens_it_again() -> None:
    life = Life()
    life.hear(an_alert())
    life.hear(a_feed(), minute=60)
    again = life.hear(an_alert(2, kind="Update", minute=61, refs=ref(1), info=an_info(until=90)), minute=62)
    assert states(again) == [(3, "open", None)]


def test_what_had_expired_when_it_was_first_heard_is_counted() -> None:
    reading = Life().hear(an_alert(), minute=60)
    assert (list(reading.events), dict(reading.skipped)) == ([], {OVER: 1})


def test_a_file_without_a_clock_ends_nothing() -> None:
    assert states(Life().hear(an_alert(), minute=None)) == [(1, "open", None)]


def test_an_all_clear_closes() -> None:
    life = Life()
    life.hear(an_alert())
    clear = an_info().replace("<urgency>", "<responseType>AllClear</responseType><urgency>")
    assert states(life.hear(an_alert(2, kind="Update", refs=ref(1), info=clear))) == [
        (2, "closed", "all clear")
    ]


def test_one_alert_by_two_sources_and_in_two_spellings_of_its_time_is_one_incident() -> None:
    (one,) = values(Life().hear(an_alert()))
    other_zone = an_alert().replace(clock(1), "2026-06-01T07:01:00-05:00")
    (other,) = values(Life(replace(CITY, source="agency-feed")).hear(an_envelope(other_zone)))
    assert one["source"] != other["source"]
    assert {name: one[name] for name in ("incident_id", "event_id", "revision")} == {
        name: other[name] for name in ("incident_id", "event_id", "revision")
    }
    elsewhere = SourceContext("shelbyville", "warnings", CITY.timezone, CITY.bounds)
    assert values(Life(elsewhere).hear(an_alert()))[0]["incident_id"] != one["incident_id"]


def test_two_senders_of_one_identifier_are_two() -> None:
    reading = Life().hear(a_feed(an_alert(), an_alert(sender="x@other.example")))
    assert len({one["incident_id"] for one in values(reading)}) == 2


# -- places --------------------------------------------------------------------------------------------------


def test_the_place_is_a_point_of_the_area_that_lies_in_the_city() -> None:
    half_outside = "<polygon>29.0,-97.0 29.6,-97.0 29.6,-95.0 29.0,-95.0</polygon>"
    (told,) = values(Life().hear(an_alert(info=an_info(area=half_outside))))
    at = told["position"]
    assert 29.4 <= at["lat"] <= 29.6
    assert -95.95 <= at["lon"] <= -95.0
    assert 100_000 < at["accuracy_m"] < 200_000


def test_a_circle_around_the_city_has_a_place_in_it_and_one_of_no_radius_is_a_point() -> None:
    (told,) = values(Life().hear(an_alert(info=an_info(area="<circle>29.0,-95.5 60</circle>"))))
    assert (told["position"]["lat"], told["position"]["lon"]) == (29.4, -95.5)
    (told,) = values(Life().hear(an_alert(info=an_info(area="<circle>29.7,-95.5 0.0</circle>"))))
    assert told["position"] == {"lat": 29.7, "lon": -95.5, "accuracy_m": None}


@pytest.mark.parametrize("area", ["<circle>10,10 5</circle>", "<polygon>1,1 1,2 2,2</polygon>"])
def test_an_area_elsewhere_is_counted(area: str) -> None:
    reading = Life().hear(an_alert(info=an_info(area=area)))
    assert (list(reading.events), dict(reading.skipped), list(reading.aside)) == (
        [],
        {"area outside the city": 1},
        [],
    )


def test_a_geocode_alone_is_noted_and_not_guessed() -> None:
    coded = an_alert(info=an_info(area=CODE % "TXC201"))
    life = Life()
    reading = life.hear(coded)
    assert values(reading)[0]["position"] is None
    assert reading.noted["place by a geocode alone"] == 1
    assert not life.hear(coded).noted, "noted once"
    assert Life(unplaced=False).hear(coded).skipped == {"without a place": 1}
    assert len(Life(geocodes={"UGC": ["TXC201"]}).hear(coded).events) == 1
    assert Life(geocodes={"UGC": ["TXC999"]}).hear(coded).skipped == {"area outside the city": 1}


def test_no_area_at_all_is_noted() -> None:
    reading = Life().hear(an_alert(info=an_info(area="")))
    assert values(reading)[0]["position"] is None
    assert reading.noted["no place"] == 1


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "spoken", "said"),
    [
        (("fr-CA", "en-CA", "ko"), "ko", "ko"),
        (("fr-CA", "en-CA"), "ko", "en-CA"),
        (("fr-CA", "es"), "ko", "fr-CA"),
        (("en-US", "ko-KR"), "ko", "ko-KR"),
    ],
)
def test_the_citys_language_then_english_then_the_first(
    blocks: tuple[str, ...], spoken: str, said: str
) -> None:
    info = "".join(an_info(language=one, event=f"event {one}") for one in blocks)
    for life in (Life(replace(CITY, language=spoken)), Life(language=spoken)):
        assert [one["kind_text"] for one in values(life.hear(an_alert(info=info)))] == [f"event {said}"]


@pytest.mark.parametrize(
    ("config", "event", "codes", "kind"),
    [
        ({"kinds": {"FFA": "warning.flood"}}, "Whatever", {"SAME": "FFA"}, "warning.flood"),
        ({}, "Whatever", {"SAME": "FFA"}, "warning.flood.flash"),
        ({}, "Whatever", {"profile:CAP-CP:Event:0.4": "tornado"}, "warning.weather.tornado"),
        ({}, "Whatever", {"https://other.example": "tornado"}, "warning.weather"),
        ({"words": "cap-kr"}, "호우경보", {}, "warning.weather.rain"),
        ({"words": "cap-us"}, "Flood Warning", {"SAME": ""}, "warning.flood"),
        ({}, "earthquake", {}, "warning.earthquake"),
        ({}, "Something else", {}, "warning.weather"),
    ],
)
def test_the_kind_comes_of_the_code_then_the_event_then_the_category(
    config: dict[str, Any], event: str, codes: dict[str, str], kind: str
) -> None:
    said = "".join(
        f"<eventCode><valueName>{name}</valueName><value>{value}</value></eventCode>"
        for name, value in codes.items()
    )
    info = an_info(event=event).replace("<urgency>", said + "<urgency>")
    assert [one["kind"] for one in values(Life(**config).hear(an_alert(info=info)))] == [kind]


def test_codes_of_version_1_0_are_one_text() -> None:
    info = an_info(event="x").replace("<urgency>", "<eventCode>SAME=TOR</eventCode><urgency>")
    assert values(Life().hear(an_alert(info=info, space=VERSIONS[0])))[0]["kind"] == "warning.weather.tornado"


def test_the_sender_names_the_agency_and_the_source_may_not_speak_for_any() -> None:
    life = Life(agencies={"w@weather.example": "kma"})
    assert values(life.hear(an_alert()))[0]["agency"] == "kma"
    bound = Life(replace(CITY, speaks_for=("kma",)))
    assert [one.field for one in bound.hear(an_alert()).aside] == ["agency"]


@pytest.mark.parametrize(
    "wrong",
    [{"kinds": {"a": "nothing"}}, {"words": "cap-xx"}, {"links_max": 3}, {"links_from": ["https://a"]}],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match=next(iter(wrong))):
        load_source("cap_alerts", CITY, {"agency": "weather", **wrong})


# -- links of an index ---------------------------------------------------------------------------------------


def an_index(*links: str) -> bytes:
    entries = "".join(f'<entry><link href="{one}"/><updated>{clock(1)}</updated></entry>' for one in links)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()


def polled(life: Life, times: int = 1) -> list[Heard]:
    async def poll() -> list[Heard]:
        try:
            heard = [await life.source.poll({}) for _ in range(times)]
            return [replace(one, at_ms=one.at_ms and NOON + 5 * MINUTE) for one in heard]
        finally:
            await life.source.close()

    return asyncio.run(poll())


def test_the_links_of_an_index_are_followed_once_within_the_bound() -> None:
    with a_web_server() as server:
        server.body = an_index("/1.cap", "/2.cap", "/3.cap", "http://127.0.0.2:1/other.cap")
        server.pages = {f"/{number}.cap": an_alert(number).encode() for number in (1, 2, 3)}
        life = Life(url=server.url, links_max=2, headers={"key": "secret"})
        first, second, third = polled(life, 3)
        assert sorted(server.paths) == ["/1.cap", "/2.cap", "/3.cap", "/list", "/list", "/list"]
        assert all(one["key"] == "secret" for one in server.requests)
    assert first.missing == (
        "alerts at another server, which links_from does not name",
        "alerts behind the first 2 new links; the next polls ask for them",
    )
    assert second.missing == third.missing == first.missing[:1]
    told = [values(life.source.read(one, {})) for one in (first, second)]
    assert [[v["agency_case_no"] for v in one] for one in told] == [["W-1", "W-2"], ["W-1", "W-2", "W-3"]]
    assert second.body == third.body


def test_a_link_that_does_not_answer_is_named_and_asked_for_again() -> None:
    with a_web_server() as server:
        server.body, server.pages = an_index("/1.cap", "/2.cap"), {"/2.cap": an_alert(2).encode()}
        server.statuses = {"/1.cap": 503}
        life = Life(url=server.url)
        (heard,) = polled(life)
    assert heard.missing == ("1 linked alerts that did not answer",)
    reading = life.source.read(heard, {})
    assert [one["agency_case_no"] for one in values(reading)] == ["W-2"]
    assert reading.noted["an entry only links to its alert, which was not heard"] == 1


def test_a_bad_linked_alert_is_set_aside_alone() -> None:
    body = orjson.dumps(
        {"index": an_index("/1", "/2").decode(), "linked": {"/1": "<alert", "/2": an_alert()}}
    )
    reading = Life().hear(body.decode())
    assert len(reading.events) == 1
    assert [one.original for one in reading.aside] == [b"<alert"]


def test_an_index_that_is_pushed_is_noted() -> None:
    reading = Life().hear(an_index("https://w.example/1", "https://w.example/2").decode())
    assert (list(reading.events), list(reading.aside)) == ([], [])
    assert reading.noted == {"an entry only links to its alert, which was not heard": 2}


def test_a_file_is_read_at_the_time_of_the_poll(tmp_path: Path) -> None:
    (tmp_path / "alerts.xml").write_text(an_alert())
    (heard,) = polled(Life(path=str(tmp_path / "alerts.xml")))
    assert heard.at_ms is not None


def test_a_feed_with_further_pages_says_so() -> None:
    reading = Life().hear(a_feed(an_alert()).replace("<entry>", '<link rel="next" href="/2"/><entry>', 1))
    assert (len(reading.events), dict(reading.noted)) == (
        1,
        {"the feed has further pages, which are not followed": 1},
    )


def test_links_that_fail_do_not_keep_others_from_being_asked() -> None:
    with a_web_server() as server:
        server.body, server.pages = an_index("/1.cap", "/2.cap", "/3.cap"), {"/3.cap": an_alert(3).encode()}
        server.statuses = {"/1.cap": 404, "/2.cap": 404}
        first, second = polled(Life(url=server.url, links_max=2), 2)
    assert b"W-3" not in first.body
    assert b"W-3" in second.body


def test_linked_pages_that_are_too_long_are_named_and_cost_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linked_pages, "PAGE_BYTES_MAX", 2_000)
    with a_web_server() as server:
        server.body = an_index("/1.cap", "/2.cap")
        server.pages = {"/1.cap": an_alert(1, note="x" * 2_000).encode(), "/2.cap": an_alert(2).encode()}
        life = Life(url=server.url)
        first, second = polled(life, 2)
        assert server.paths.count("/1.cap") == 1
    assert first.missing == ("linked alerts of more than 2000 bytes",)
    reading = life.source.read(second, {})
    assert [one["agency_case_no"] for one in values(reading)] == ["W-2"]
    assert reading.noted == {"an entry only links to its alert, which was not heard": 1}
    monkeypatch.setattr(linked_pages, "ALL_BYTES_MAX", 100)
    with a_web_server() as server:
        server.body, server.pages = an_index("/2.cap"), {"/2.cap": an_alert(2).encode()}
        (heard,) = polled(Life(url=server.url))
    assert heard.missing == ("linked alerts behind the first 100 bytes",)


def test_an_update_of_another_area_ends_it_here() -> None:
    life = Life()
    life.hear(an_alert())
    elsewhere = an_alert(2, kind="Update", refs=ref(1), info=an_info(area="<circle>10,10 5</circle>"))
    assert states(life.hear(elsewhere)) == [(2, "closed", "no longer of the city")]
    assert not life.hear(a_feed(an_alert(), elsewhere)).events


def test_what_is_remembered_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "LASTING_MAX", 2)
    monkeypatch.setattr(cap_alerts, "NAMES_MAX", 2)
    life = Life()
    reading = life.hear(a_feed(*map(an_alert, range(1, 5))))
    assert len(reading.events) == 4
    assert reading.noted == {"more last than are remembered: one will not be closed at its end": 2}
    assert (len(life.place["open"]), len(life.place["names"])) == (2, 2)
    assert {one["agency_case_no"] for one in values(life.hear(a_feed(), minute=60))} == {"W-3", "W-4"}


def test_an_old_message_heard_again_does_not_bring_back_its_end() -> None:
    life, first = Life(), an_alert(info=an_info(until=30))
    life.hear(first)
    life.hear(an_alert(2, kind="Update", refs=ref(1)))
    life.hear(first)
    assert not life.hear(a_feed(), minute=31).events
    told = states(life.hear(a_feed(), minute=60))
    assert told == [(3, "closed", EXPIRED)]  # the update said another end, which is a revision


def test_a_message_between_two_that_say_the_same_is_old() -> None:
    life = Life()
    life.hear(an_alert())
    life.hear(an_alert(4, kind="Update", refs=ref(1)))
    between = life.hear(an_alert(3, kind="Update", refs=ref(1), info=an_info(severity="Minor")))
    assert (list(between.events), dict(between.skipped)) == ([], {"older than what was told": 1})


@pytest.mark.parametrize("kind", ["Alert", "Update", "Cancel"])
def test_what_the_city_itself_sent_is_no_incident_and_is_counted(kind: str) -> None:
    source = load_source("cap_alerts", replace(CITY, cap_sender="w@weather.example"), {"agency": "weather"})
    body = an_alert(2, kind=kind, refs=f"w@weather.example,W-1,{clock(1)}").encode()
    reading = source.read(Heard(body, NOON), {})
    assert (list(reading.events), list(reading.aside)) == ([], [])
    assert dict(reading.skipped) == {"the city's own alert": 1}

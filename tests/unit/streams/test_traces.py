"""Spans of incidents and hits: connected, one way to derive their places, none for a detection, none where nobody asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connectors.base import Delivery
from schemas.event import Event, derived_id
from streams.deliver.receivers import Item
from streams.deliver.subscriptions import Subscription
from streams.ingest.put_spans import put_spans
from streams.runtime.records import Record, headers_of, trace_of
from streams.situations.entry import Entry
from streams.spans import MS, SpanPlace, place_of, since
from streams.stages.deliver_spans import try_span
from streams.stages.situation_spans import DecisionSpans
from streams.traces import is_wanted, traces

NOW_MS = 1_780_000_000_000
ID = derived_id("an incident")
SECRETS = ("홍길동", "26-0815", "010-1234-5678")


class Seen:
    """The spans of a test."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        traces.begin("test", {}, to=self._exporter)

    def spans(self) -> Sequence[ReadableSpan]:
        """All of them; none is exported after that."""
        traces.end()
        return self._exporter.get_finished_spans()


@pytest.fixture
def seen() -> Iterator[Seen]:
    try:
        yield Seen()
    finally:
        traces.end()


def an_event(topic: str, event_id: str = ID, **about: Any) -> Event:
    value = {
        "event_id": event_id,
        "event_time": NOW_MS,
        "received_time": NOW_MS,
        "city": "moie",
        "source": "s",
    }
    return Event(topic, "a key", value | about)


def a_record(event: Event, topic: str) -> Record:
    headers = dict(headers_of(event, topic=topic))
    return Record(topic, 0, 7, NOW_MS, b"a key", b"value", headers)


def decided(event: Event, kind: str, *answers: Event) -> tuple[DecisionSpans, list[bytes | None]]:
    """The spans of a decision, and the answers' headers."""
    topic = f"moie.{event.topic}"
    spans = DecisionSpans("moie")
    trace = spans.trace(Entry(kind, topic, 0, 7, event.value or {}), a_record(event, topic), answers)
    return spans, [trace(one) for one in answers]


def an_alert() -> Event:
    return an_event(
        "core.alert", derived_id("an alert"), alert_id="a-1", situation_id="s-1", headline=SECRETS[0]
    )


def parents(spans: Sequence[ReadableSpan]) -> dict[str, str | None]:
    """The name of each span's parent. Fails where one's parent is none of them."""
    names = {one.context.span_id: one.name for one in spans if one.context is not None}
    assert len(names) == len(spans)
    return {one.name: None if one.parent is None else names[one.parent.span_id] for one in spans}


def test_a_header_names_a_place_and_a_broken_one_none() -> None:
    place = place_of(trace_of(ID))
    assert place == SpanPlace(int(ID, 16), int(ID[:16], 16))
    assert place.traceparent == trace_of(ID)
    unsampled, zeros = trace_of(ID)[:-2] + b"00", trace_of("")
    for broken in (None, b"", b"00-a", b"x" + trace_of(ID), trace_of(ID) + b"-", unsampled, zeros):
        assert place_of(broken) is None


def test_the_same_steps_lead_to_the_same_span_and_others_to_others() -> None:
    place = SpanPlace(5, 6)
    assert place.next("a", 1) == place.next("a", 1)
    assert (
        len({place, place.next("a", 1), place.next("a", 2), place.next("a1"), SpanPlace(5, 7).next("a", 1)})
        == 5
    )
    assert place.next("a").trace_id == 5


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_traces_are_asked_for_by_opentelemetrys_own_variables(
    environment: dict[str, str], wanted: bool
) -> None:
    assert is_wanted(environment) is wanted


def test_a_wait_begins_with_its_event_unless_that_is_of_another_clock() -> None:
    now_ns = NOW_MS * MS
    assert since(NOW_MS - 5_000, now_ns) == now_ns - 5_000 * MS
    assert since(NOW_MS + 1, now_ns) == now_ns
    assert since(NOW_MS - 3_600_001, now_ns) == now_ns


def test_one_incident_is_one_trace_from_its_source_to_every_try(seen: Seen) -> None:
    incident = an_event("fire.incident", kind="fire", agency_case_no=SECRETS[1], address=SECRETS[0])
    put_spans("moie", "calls", [incident], begun_ns=NOW_MS * MS)
    situation = an_event("core.situation", derived_id("s"), situation_id="s-1", kind="fire", revision=1)
    state, alert = an_event("core.state"), an_alert()
    spans, (of_situation, of_alert) = decided(incident, "incident", situation, alert)
    spans.trace(
        Entry("incident", "moie.fire.incident", 0, 8, {}), a_record(incident, "moie.fire.incident"), [state]
    )
    spans.export()
    subscription = Subscription("desk", "a desk", "webhook")
    for header, topic, outcome in (
        (of_situation, "core.situation", "delivered"),
        (of_alert, "core.alert", "retried"),
    ):
        delivery = Delivery("id", topic, topic, "s-1", SECRETS[2].encode(), "text/plain", NOW_MS)
        try_span("moie", subscription, Item(topic, 0, delivery, 0, header), outcome, NOW_MS * MS)  # type: ignore[arg-type]  # of a loop
    told = seen.spans()
    assert parents(told) == {
        "receive calls": None,
        "send fire.incident": "receive calls",
        "process fire.incident": "send fire.incident",
        "send core.situation": "process fire.incident",
        "send core.alert": "process fire.incident",
        "deliver core.situation": "send core.situation",
        "deliver core.alert": "send core.alert",
    }
    assert {one.context.trace_id for one in told if one.context} == {int(ID, 16)}
    assert not any(secret in one.to_json() for one in told for secret in SECRETS)
    assert [one.name for one in told if not one.status.is_ok] == ["deliver core.alert"]
    process = next(one for one in told if one.name == "process fire.incident")
    assert dict(process.attributes or {}) == {
        "bongsu.city": "moie",
        "bongsu.topic": "fire.incident",
        "bongsu.kind": "fire",
        "bongsu.event_id": ID,
        "bongsu.partition": 0,
        "bongsu.offset": 7,
    }


def test_a_hit_has_its_match_above_its_decision_and_one_that_answers_nothing_has_no_span(seen: Seen) -> None:
    evidence = an_event("core.evidence", watch_id="w1", situation_id="s-1", subject=SECRETS[0])
    spans, _ = decided(evidence, "evidence", an_alert())
    spans.export()
    decided(an_event("core.evidence", derived_id("another")), "evidence")[0].export()
    assert parents(seen.spans()) == {
        "match core.evidence": None,
        "process core.evidence": "match core.evidence",
        "send core.alert": "process core.evidence",
    }


def test_the_answers_to_a_tick_begin_with_their_decision(seen: Seen) -> None:
    decided(an_event("core.tick"), "tick", an_alert())[0].export()
    assert parents(seen.spans()) == {"process core.tick": None, "send core.alert": "process core.tick"}


def test_a_thousand_detections_have_no_span(seen: Seen) -> None:
    detections = [an_event("cctv.detection", derived_id(number)) for number in range(1_000)]
    put_spans("moie", "cameras", [*detections, an_event("mobility.position")], begun_ns=1)
    assert not seen.spans()


def test_answers_have_the_same_headers_whether_spans_are_exported_or_not() -> None:
    incident = an_event("fire.incident")
    _, without = decided(incident, "incident", an_alert())
    seen = Seen()
    _, with_spans = decided(incident, "incident", an_alert())
    assert not seen.spans(), "a decision that was not committed has spans"
    assert without == with_spans
    assert (without[0] or b"").startswith(b"00-" + ID.encode())
    assert without[0] != trace_of(ID)


def test_a_header_that_names_no_place_goes_on_as_it_is() -> None:
    record = Record("moie.fire.incident", 0, 7, NOW_MS, None, None, {"traceparent": b"odd"})
    trace = DecisionSpans("moie").trace(Entry("incident", record.topic, 0, 7, {}), record, [an_alert()])
    assert trace(an_alert()) == b"odd"
    assert DecisionSpans("moie").trace(Entry("rules", "", 0, 0, {}), None, [])(an_alert()) is None


def test_a_collector_that_is_away_delays_no_end() -> None:
    program = (
        "import time, streams.traces; from streams.traces import traces; from streams.ingest.put_spans import put_spans\n"
        "from schemas.event import Event\n"
        "traces.begin('x', {'OTEL_EXPORTER_OTLP_ENDPOINT': 'set'})\n"
        "put_spans('c', 's', [Event('fire.incident', 'k', {'event_id': '1' * 32, 'received_time': 1})], begun_ns=1)\n"
        "streams.traces.END_S = 0.3\n"
        "begun = time.monotonic(); traces.end(); assert time.monotonic() - begun < 2"
    )
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PATH": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=30)


def loaded(environment: dict[str, str]) -> set[str]:
    """The parts of OpenTelemetry that a worker loads; ``api``, which FastAPI needs, is none of them."""
    program = (
        "import sys; from streams.traces import spans_exported\n"
        "with spans_exported('all'):\n"
        "    import connectors.sinks.redis_view, streams.ingest.put_spans, streams.stages.situation_spans\n"
        "    print(*(name for name, one in sys.modules.items() if one and name.startswith('opentelemetry.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {name.split(".")[1] for name in done.stdout.split()} & {"sdk", "exporter", "proto"}


def test_neither_sdk_nor_exporter_is_loaded_where_traces_are_not_configured() -> None:
    assert loaded({}) == set()
    assert loaded({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) == {"sdk", "exporter", "proto"}

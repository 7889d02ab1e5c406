"""Traces on the real bus, at a collector that reads OTLP: from a push to its webhook, and none for detections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from connectors.contract_suite.receivers import a_web_receiver
from deploy.settings import Endpoints
from tests.a_gateway import EVENT_MS, PushedCity, reports
from tests.living_city import LivingCity, wait_until
from tests.webhook_receivers import SECRET

pytestmark = pytest.mark.cluster

SEEN_S = 20.0
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
FILE = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[gateway]
port = {port}
[deliver]
allow_hosts = ["127.0.0.1"]
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[source]]
name = "cameras"
type = "city_events"
contract = "cctv.detection"
push = true
[[rule]]
name = "joint-incident"
[[subscription]]
name = "desk"
who = "the desk"
audience = "*"
sink = "webhook"
contracts = ["core.situation"]
"""


@dataclass
class Collector:
    """An OTLP receiver over HTTP: what it was sent, parsed by OpenTelemetry's own messages."""

    url: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def services(self) -> set[str]:
        return {
            one.value.string_value
            for request in self.requests
            for resource in request.resource_spans
            for one in resource.resource.attributes
            if one.key == "service.name"
        }


@contextmanager
def a_collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = decompress(body)
            collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def parents(spans: list[Span]) -> dict[str, str | None]:
    """The name of each span's parent. Fails where one's parent is none of them."""
    names = {one.span_id: one.name for one in spans}
    return {one.name: names[one.parent_span_id] if one.parent_span_id else None for one in spans}


def a_detection(number: int) -> dict[str, Any]:
    return {
        "camera_id": "C-1",
        "track_id": f"t-{number}",
        "label": "person",
        "confidence": 0.9,
        "event_time": EVENT_MS + number,
        "position": {"lat": 36.5, "lon": 127.5},
    }


def test_an_incident_is_one_trace_to_its_webhook_and_a_thousand_detections_are_none(
    cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = LivingCity("traced", tmp_path, cluster)
    try:
        with a_collector() as collector, a_web_receiver() as receiver:
            gateway = PushedCity(city, form=FILE)
            url = receiver.settings["url"]
            text = city.file.read_text(encoding="utf-8")
            city.file.write_text(
                f'{text}url = {json.dumps(url)}\nsecrets = ["${{DESK_SECRET}}"]\n', encoding="utf-8"
            )
            monkeypatch.setenv("DESK_SECRET", SECRET)
            key = gateway.key("--source", "reports", "--source", "cameras")
            monkeypatch.setenv(ENDPOINT, collector.url)
            monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
            with city.running():
                wait_until(lambda: gateway.status("GET", "/readyz") == 200, SEEN_S)
                status, answer = gateway.push(key, "cameras", [a_detection(one) for one in range(1_000)])
                assert status == 202, answer
                wait_until(lambda: len(city.records("cctv.detection")) == 1_000, SEEN_S, every_s=0.2)
                status, answer = gateway.push(key, "reports", reports("p", 1))
                assert status == 202, answer
                wait_until(lambda: any(one.name.startswith("deliver") for one in collector.spans()), SEEN_S)
            spans, posts = collector.spans(), list(receiver.taken)
        (incident,) = city.records("police.incident")
        assert {one.trace_id.hex() for one in spans} == {
            (incident.headers["traceparent"]).decode().split("-")[1]
        }
        assert parents(spans) == {
            "receive reports": None,
            "send police.incident": "receive reports",
            "process police.incident": "send police.incident",
            **{f"send {one}": "process police.incident" for one in answered(city)},
            "deliver core.situation": "send core.situation",
        }
        assert collector.services() == {"bongsu-all"}
        assert all("traceparent" not in one.headers for one in posts)
        assert posts
    finally:
        city.remove()


def answered(city: LivingCity) -> list[str]:
    """The topics of answers that have records."""
    topics = ("core.situation", "core.alert", "core.grant", "core.dispatch", "core.watch", "core.filing")
    return [one for one in topics if city.records(one)]

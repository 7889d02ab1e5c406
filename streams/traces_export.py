"""The part of tracing that needs OpenTelemetry's SDK: loaded only where traces are configured."""

from __future__ import annotations

import threading

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

from streams.spans import SpanPlace, TracedSpan

SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)


class Exporting:
    """Sends spans to the collector that ``OTEL_EXPORTER_OTLP_ENDPOINT`` names, in the background.

    Its queue is bounded (``OTEL_BSP_MAX_QUEUE_SIZE``, 2,048 spans): what does not fit is dropped, and no stage waits.
    """

    def __init__(self, service: str, to: SpanExporter | None) -> None:
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(to or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("bongsu")

    def put(self, span: TracedSpan) -> None:
        self._ids.next = span.at
        begun = self._tracer.start_span(
            span.name,
            context=_context_of(span.below),
            kind=trace.SpanKind[span.kind],
            start_time=span.begun_ns,
            attributes={f"bongsu.{name}": value for name, value in span.facts.items()},
        )
        if span.is_failed:
            begun.set_status(trace.StatusCode.ERROR)
        begun.end(max(span.begun_ns, span.ended_ns))

    def end(self) -> None:
        self._provider.shutdown()


class _GivenIds(IdGenerator, threading.local):
    """Gives each span the ids that its thread has set."""

    next: SpanPlace

    def generate_trace_id(self) -> int:
        return self.next.trace_id

    def generate_span_id(self) -> int:
        return self.next.span_id


def _context_of(below: SpanPlace | None) -> Context:
    """The context of a span below *below*; an empty one for the first span of a trace."""
    if below is None:
        return Context()
    parent = trace.SpanContext(below.trace_id, below.span_id, is_remote=True, trace_flags=SAMPLED)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())

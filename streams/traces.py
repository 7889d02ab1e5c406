"""OpenTelemetry traces of incidents and hits, from source to webhook. Off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set.

The header ``traceparent`` carries them. A trace is named after its first event: its id is the event's id, and the header
names the span in which that event was put. Places of spans are derived, so headers are the same whether spans are exported
or not, and a process needs no memory of spans that others wrote. OpenTelemetry's SDK is not imported while this is off.
Spans have names and ids of ours, never other values of an event.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.spans import TracedSpan

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from streams.traces_export import Exporting

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SDK = "opentelemetry.sdk"
END_S = 3.0
"""The time that a process that ends gives to its last spans."""


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether traces are configured, by OpenTelemetry's own variables."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return any(environment.get(name) for name in VARIABLES)


class Traces:
    """The way out of this process's spans. Until ``begin`` it does nothing. From any thread."""

    def __init__(self) -> None:
        self._exporting: Exporting | None = None

    @property
    def is_on(self) -> bool:
        return self._exporting is not None

    def now_ns(self) -> int:
        return time.time_ns()

    def begin(
        self, role: str, environment: Mapping[str, str] = os.environ, *, to: SpanExporter | None = None
    ) -> None:
        """Export spans from now on, if that is configured. Spans that the collector does not take are dropped.

        *to*: an exporter in place of OTLP over HTTP.
        """
        if self.is_on or not (to or is_wanted(environment)):
            return
        from streams.traces_export import Exporting  # noqa: PLC0415 (loads opentelemetry, for those who want it)

        self._exporting = Exporting(environment.get("OTEL_SERVICE_NAME") or f"bongsu-{role}", to)

    def end(self) -> None:
        """Send what waits, for a few seconds at most."""
        exporting, self._exporting = self._exporting, None
        if exporting is not None:
            ending = threading.Thread(target=exporting.end, name="traces", daemon=True)
            ending.start()
            ending.join(END_S)

    def put(self, span: TracedSpan) -> None:
        """Export *span* in the background."""
        if self._exporting is not None:
            self._exporting.put(span)


traces = Traces()
"""The spans of this process."""


@contextmanager
def spans_exported(role: str) -> Iterator[None]:
    """Export the spans of this process, if that is configured, and send the last of them at its end."""
    traces.begin(role)
    is_kept_out = not traces.is_on and SDK not in sys.modules
    if is_kept_out:  # redis imports it wherever it is installed, for measurements that nobody asked for
        sys.modules[SDK] = None  # type: ignore[assignment]  # Python's way to say that there is no such module
    try:
        yield
    finally:
        traces.end()
        if is_kept_out:
            del sys.modules[SDK]

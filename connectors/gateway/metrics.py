"""The gateway's metrics for Prometheus. Labels are sources and outcomes, never senders.

They have a registry of their own: beside a city's stages the gateway's page shows these alone, and the worker's page those
of the process, so that no series is scraped twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prometheus_client import REGISTRY as OF_PROCESS
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as AnyCounter
from prometheus_client import Gauge as AnyGauge
from prometheus_client import Histogram as AnyHistogram

REGISTRY = CollectorRegistry()
Counter: Callable[..., AnyCounter] = partial(AnyCounter, registry=REGISTRY)
Gauge: Callable[..., AnyGauge] = partial(AnyGauge, registry=REGISTRY)
Histogram: Callable[..., AnyHistogram] = partial(AnyHistogram, registry=REGISTRY)

ANSWER_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

requests = Counter("bongsu_gateway_requests", "HTTP requests by source and status", ["source", "status"])
records = Counter("bongsu_gateway_records", "Records in pushes, accepted or refused", ["source", "outcome"])
actions = Counter(
    "bongsu_gateway_actions", "Operators' actions by kind and HTTP status", ["action", "status"]
)
subscriptions = Counter(
    "bongsu_gateway_subscriptions",
    "Requests about subscriptions by action and HTTP status",
    ["action", "status"],
)
reads = Counter("bongsu_gateway_reads", "Reading requests by route and HTTP status", ["route", "status"])
repeats = Counter("bongsu_gateway_repeats", "Repeated pushes, kept only once", ["source"])
answering = Histogram(
    "bongsu_gateway_answer_seconds", "Time from request to response", ["source"], buckets=ANSWER_SECONDS
)
waiting = Gauge("bongsu_spool_pushes", "Pushes in the spool, not yet in Kafka", ["source"])
waiting_bytes = Gauge("bongsu_spool_bytes", "Bytes in the spool, not yet in Kafka", ["source"])
waiting_age = Gauge("bongsu_spool_age_seconds", "Age of the oldest push in the spool", ["source"])
spool_bytes_max = Gauge("bongsu_spool_bytes_max", "Bytes that the spool may hold")
spool_room = Gauge("bongsu_spool_room_bytes", "Bytes that the spool still takes")
is_ready = Gauge("bongsu_gateway_ready", "1 if the gateway is ready, as /readyz tells, else 0")
sent_away = Counter("bongsu_gateway_sent_away", "Connections that the gateway closed, by reason", ["reason"])
redeemed = Counter("bongsu_tickets_redeemed", "Tickets for video that were made out")
refused_tickets = Counter(
    "bongsu_tickets_refused", "Refused grants, tickets and viewings, by reason", ["reason"]
)
unrecorded_refusals = Counter(
    "bongsu_tickets_refused_unrecorded", "Refusals without a record, as the log could not be reached"
)
unrecorded_signs = Counter(
    "bongsu_signs_unrecorded",
    "Sign-outs and uses of links that held at one gateway alone, as the log could not be reached at once",
    ["action"],
)
stuck_cases = Gauge(
    "bongsu_cases_stuck",
    "Missing persons' cases that could not be ended, or whose end could not be told, at the last look",
)
first_video = Histogram(
    "bongsu_first_video_seconds",
    "Time from a grant's opening to the first use of a ticket of it",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
)
streams = Gauge("bongsu_gateway_streams", "Open streams of server-sent events")
streams_dropped = Counter(
    "bongsu_gateway_streams_dropped", "Streams that the gateway ended, by reason", ["reason"]
)
streams_refused = Counter(
    "bongsu_gateway_streams_refused", "Requests for a stream that were refused, by status", ["status"]
)
streams_reset = Counter(
    "bongsu_gateway_streams_reset", "Streams that could not be resumed and began with a snapshot"
)


def page(*, with_process: bool) -> bytes:
    """The text of ``/metrics``. *with_process*: also the metrics of the process, which no other page shows."""
    return generate_latest(REGISTRY) + (generate_latest(OF_PROCESS) if with_process else b"")

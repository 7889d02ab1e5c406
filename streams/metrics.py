"""What the workers count, for Prometheus. Labels are cities, stages, sources and topics: never people."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

TRANSACTION_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

records_taken = Counter("bongsu_records_taken", "Records a stage has taken", ["group", "topic"])
events_put = Counter("bongsu_events_put", "Events a stage or a source has published", ["group", "topic"])
set_aside = Counter("bongsu_records_set_aside", "Records and bodies set aside in a DLQ", ["group", "topic"])
skipped = Counter("bongsu_records_skipped", "Records a source leaves out by its policy", ["source", "reason"])
polls = Counter("bongsu_source_polls", "Polls of a source by outcome", ["source", "outcome"])
transactions = Histogram(
    "bongsu_transaction_seconds",
    "Time from a batch's arrival to its commit",
    ["group"],
    buckets=TRANSACTION_SECONDS,
)
waiting = Gauge("bongsu_records_waiting", "Records held until their barrier is reached", ["group"])

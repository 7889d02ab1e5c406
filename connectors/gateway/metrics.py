"""What the gateway counts, for Prometheus. Labels are sources and outcomes: never who sent what."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ANSWER_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

requests = Counter("bongsu_gateway_requests", "Requests by source and status", ["source", "status"])
records = Counter("bongsu_gateway_records", "Records pushed, accepted or refused", ["source", "outcome"])
actions = Counter("bongsu_gateway_actions", "Operators' actions by what and status", ["action", "status"])
repeats = Counter("bongsu_gateway_repeats", "Pushes that were pushed before and kept once", ["source"])
answering = Histogram(
    "bongsu_gateway_answer_seconds", "Time to an answer", ["source"], buckets=ANSWER_SECONDS
)
waiting = Gauge("bongsu_spool_pushes", "Pushes that wait for Kafka", ["source"])
waiting_bytes = Gauge("bongsu_spool_bytes", "Bytes that wait for Kafka", ["source"])
waiting_age = Gauge("bongsu_spool_age_seconds", "Age of the oldest push that waits for Kafka", ["source"])
sent_away = Counter("bongsu_gateway_sent_away", "Connections that the gateway ended, by why", ["why"])

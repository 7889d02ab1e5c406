"""The workers' metrics for Prometheus. Labels are cities, stages, sources and topics, never persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

TRANSACTION_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

records_taken = Counter("bongsu_records_taken", "Records consumed by a stage", ["group", "topic"])
events_put = Counter("bongsu_events_put", "Events published by a stage or a source", ["group", "topic"])
set_aside = Counter("bongsu_records_set_aside", "Records and bodies set aside in a DLQ", ["group", "topic"])
skipped = Counter("bongsu_records_skipped", "Records that a source skips by its policy", ["source", "reason"])
polls = Counter("bongsu_source_polls", "Polls of a source by outcome", ["source", "outcome"])
transactions = Histogram(
    "bongsu_transaction_seconds",
    "Time from a batch's arrival to its commit",
    ["group"],
    buckets=TRANSACTION_SECONDS,
)
unlisted = Counter(
    "bongsu_evidence_unlisted",
    "Evidence not listed: its situation was full or not open",
    ["group"],
)
situations = Gauge("bongsu_situations", "Situations in the state of a city", ["group"])
situations_open = Gauge(
    "bongsu_situations_open", "Situations that are neither closed nor merged into another", ["group"]
)
let_go = Counter(
    "bongsu_situations_let_go", "Situations dropped early: the limit of the city was reached", ["group"]
)
unwatched = Counter(
    "bongsu_situations_unwatched",
    "Situations opened without a watch: the limit of open watches was reached",
    ["group"],
)
cameras_left_out = Counter(
    "bongsu_cameras_left_out",
    "Cameras not granted to dispatched units: the limit per incident was reached",
    ["group"],
)
units_left_out = Counter(
    "bongsu_units_left_out",
    "Dispatched units without camera grants: the limit per incident was reached",
    ["group"],
)
records_gone = Counter(
    "bongsu_records_gone", "Records deleted by retention before the match read them", ["topic"]
)
waiting = Gauge("bongsu_records_waiting", "Records held until their barrier is reached", ["group"])
noted = Counter("bongsu_records_noted", "Records accepted with a note for an operator", ["city", "source"])
channel_state = Gauge(
    "bongsu_source_state", "1 for the state a source is in, 0 for the others", ["city", "source", "state"]
)
source_heard_at = Gauge(
    "bongsu_source_heard_timestamp_seconds", "Time of the last data from a source", ["city", "source"]
)
source_age = Gauge(
    "bongsu_source_age_seconds", "Received time minus event time, by quantile", ["city", "source", "quantile"]
)
source_skew = Gauge("bongsu_source_clock_skew_seconds", "Clock of a source minus ours", ["city", "source"])
source_rate = Gauge("bongsu_source_events_per_minute", "Events per minute of a source", ["city", "source"])
source_share = Gauge(
    "bongsu_source_share",
    "Share of a source's events or records that are late, out_of_order, duplicates, unplaced or set_aside",
    ["city", "source", "of"],
)
source_kinds = Gauge(
    "bongsu_source_kinds",
    "Revisions of incidents in the last day by where their kind comes from: table, parts or unknown",
    ["city", "source", "agency", "kind_source"],
)
SOURCE_STATES = ("hearing", "failing", "refused", "stopped", "trial")


def show_source(city: str, source: str, told: Mapping[str, Any], shares: Mapping[str, float]) -> None:
    """Set the gauges of a source from its report (the fields of ``core.source``)."""
    for state in SOURCE_STATES:
        channel_state.labels(city, source, state).set(state == told["state"])
    if told["heard_at"] is not None:
        source_heard_at.labels(city, source).set(told["heard_at"] / 1000)
    for quantile, name in (("0.5", "age_p50_s"), ("0.99", "age_p99_s")):
        if told[name] is not None:
            source_age.labels(city, source, quantile).set(told[name])
    if told["clock_skew_s"] is not None:
        source_skew.labels(city, source).set(told["clock_skew_s"])
    source_rate.labels(city, source).set(told["rate_per_min"])
    for one in told["kinds"]:
        source_kinds.labels(city, source, one["agency"], one["kind_source"]).set(one["count"])
    for name, share in shares.items():
        source_share.labels(city, source, name).set(share)


# -- the match ---------------------------------------------------------------------------------------------------

bytes_taken = Counter("bongsu_bytes_taken", "Bytes of records consumed by a stage", ["group"])
batch_records = Histogram(
    "bongsu_batch_records",
    "Observations per batch",
    ["group"],
    buckets=(1, 10, 100, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
)
matches = Counter("bongsu_matches", "Matches of observations and watches, published or left out", ["group"])
left_out = Counter(
    "bongsu_evidence_left_out", "Matches counted only: the limit of their second was reached", ["group"]
)
late = Counter(
    "bongsu_observations_late", "Observations later than lateness_s of the city", ["city", "source"]
)
lag_records = Gauge("bongsu_lag_records", "Records not yet read by a stage", ["group", "topic"])
lag_seconds = Gauge(
    "bongsu_lag_seconds", "Age of the newest record read, if there are unread records", ["group"]
)
watches_open = Gauge("bongsu_watches_open", "Open watches", ["group"])
look_back_rows = Gauge("bongsu_look_back_observations", "Observations kept for later watches", ["group"])
look_back_bytes = Gauge(
    "bongsu_look_back_bytes", "Memory of the observations kept for later watches", ["group"]
)
look_back_dropped = Counter(
    "bongsu_look_back_dropped", "Observations dropped early: the memory limit was reached", ["group"]
)

# -- the speeds --------------------------------------------------------------------------------------------------

left_out_of_speed = Counter(
    "bongsu_positions_left_out",
    "Positions, or vehicles in a minute, that do not count for a speed: out (marked by their operator), unplaced, ahead, "
    "late, parked, unknown, speed (too fast), full",
    ["group", "reason"],
)
vehicles_followed = Gauge("bongsu_vehicles_followed", "Vehicles that the speed stage follows", ["group"])

# -- the deliveries ----------------------------------------------------------------------------------------------

deliveries = Counter(
    "bongsu_deliveries",
    "Tries of deliveries by outcome: delivered, retried (failed, to be tried again), set_aside",
    ["city", "receiver", "outcome"],
)
receivers_dead = Gauge(
    "bongsu_receivers_dead", "Receivers no longer tried until someone revives them", ["city"]
)
receiver_lag = Gauge(
    "bongsu_receiver_lag_records",
    "Records of the delivered topics above a receiver's place",
    ["city", "receiver"],
)

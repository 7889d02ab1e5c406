"""The workers' metrics for Prometheus. Labels are cities, stages, sources and topics, never persons.

``deploy/METRICS.md`` lists them all, with those of the gateway. *group* is a stage: its consumer group, which begins with
the city's name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from schemas.errors import Retriable, Unreachable

EVENT_AGE_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400)
TRANSACTION_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

records_taken = Counter("bongsu_records_taken", "Records consumed by a stage", ["group", "topic"])
events_put = Counter("bongsu_events_put", "Events published by a stage or a source", ["group", "topic"])
set_aside = Counter(
    "bongsu_records_set_aside",
    "Records and bodies set aside in a DLQ, or left out by a reader: unreadable as a whole, or wrong in a field",
    ["group", "topic", "reason"],
)
rows_dropped = Counter(
    "bongsu_rows_dropped",
    "Rows of a table in memory that were let go because too many are held, by the table's topic",
    ["group", "topic"],
)
errors = Counter(
    "bongsu_errors",
    "Errors of a stage: retriable (tried again), invalid (set aside), fatal (it stops)",
    ["group", "kind"],
)
RETRIABLE, INVALID, FATAL = "retriable", "invalid", "fatal"
UNREADABLE, FIELD = "unreadable", "field"
skipped = Counter("bongsu_records_skipped", "Records that a source skips by its policy", ["source", "reason"])
polls = Counter("bongsu_source_polls", "Polls of a source by outcome", ["source", "outcome"])
transactions = Histogram(
    "bongsu_transaction_seconds",
    "Time from a batch's arrival to its commit",
    ["group"],
    buckets=TRANSACTION_SECONDS,
)
lag_seconds = Gauge(
    "bongsu_lag_seconds",
    "Age of the oldest record that a stage has read and not finished; of the match, of the newest one read while there are "
    "unread ones; 0 when it has caught up",
    ["group"],
)
pulse_at = Gauge(
    "bongsu_pulse_timestamp_seconds", "Time at which a worker last heard the city's tick", ["worker"]
)
is_ready = Gauge("bongsu_ready", "1 if all stages and services of a worker are ready, else 0", ["worker"])
home_free = Gauge("bongsu_home_free_bytes", "Free bytes on the disk of BONGSU_HOME")
home_size = Gauge("bongsu_home_size_bytes", "Size of the disk of BONGSU_HOME")
unlisted = Counter(
    "bongsu_evidence_unlisted",
    "Evidence not listed: its situation was full or not open",
    ["group"],
)
situations = Gauge("bongsu_situations", "Situations in the state of a city", ["group"])
situations_open = Gauge(
    "bongsu_situations_open", "Situations that are not closed, by kind", ["group", "kind"]
)
grants_open = Gauge("bongsu_grants_open", "Grants in force", ["group"])
alerts = Counter(
    "bongsu_alerts", "Alerts published, by rule and message type", ["group", "rule", "message_type"]
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
source_age_p50 = Gauge(
    "bongsu_source_age_p50_seconds",
    "Received time minus event time of the last day: half are not older",
    ["city", "source"],
)
source_age_p99 = Gauge(
    "bongsu_source_age_p99_seconds",
    "Received time minus event time of the last day: 99 of 100 are not older",
    ["city", "source"],
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
    for gauge, name in ((source_age_p50, "age_p50_s"), (source_age_p99, "age_p99_s")):
        if told[name] is not None:
            gauge.labels(city, source).set(told[name])
    if told["clock_skew_s"] is not None:
        source_skew.labels(city, source).set(told["clock_skew_s"])
    source_rate.labels(city, source).set(told["rate_per_min"])
    for one in told["kinds"]:
        source_kinds.labels(city, source, one["agency"], one["kind_source"]).set(one["count"])
    for name, share in shares.items():
        source_share.labels(city, source, name).set(share)


event_age = Histogram(
    "bongsu_event_age_seconds",
    "Received time minus event time of first reports, by agency",
    ["city", "source", "agency"],
    buckets=EVENT_AGE_SECONDS,
)
events_aged = Counter(
    "bongsu_events_aged", "Live first reports whose age was measured", ["city", "source", "agency"]
)
events_in_time = Counter(
    "bongsu_events_in_time",
    "Live first reports that were not older than the objective of their source",
    ["city", "source", "agency"],
)
event_age_objective = Gauge(
    "bongsu_event_age_objective_seconds",
    "The age that a source's events should not exceed",
    ["city", "source"],
)
event_age_objective_share = Gauge(
    "bongsu_event_age_objective_ratio",
    "The share of a source's events that should not be older than its objective",
    ["city", "source"],
)


@contextmanager
def retriable_counted(group: str) -> Iterator[None]:
    """Count a retriable error of *group* that passes through."""
    try:
        yield
    except (Retriable, Unreachable):
        errors.labels(group, RETRIABLE).inc()
        raise


def watch_disk(folder: Path) -> None:
    """Show the disk of *folder*, asked at each scrape. A folder that is gone shows no number."""

    def of(name: str) -> float:
        try:
            return float(getattr(shutil.disk_usage(folder), name))
        except OSError:
            return float("nan")

    home_free.set_function(lambda: of("free"))
    home_size.set_function(lambda: of("total"))


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
watches_open = Gauge("bongsu_watches_open", "Open watches", ["group"])
look_back_rows = Gauge("bongsu_look_back_observations", "Observations kept for later watches", ["group"])
look_back_bytes = Gauge(
    "bongsu_look_back_bytes", "Memory of the observations kept for later watches", ["group"]
)
look_back_seconds = Gauge(
    "bongsu_look_back_seconds",
    "Time from the oldest observation kept for later watches to the newest",
    ["group"],
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

# -- the drones ----------------------------------------------------------------------------------------------------

drone_verdicts = Counter(
    "bongsu_drone_verdicts", "Verdicts on drones that were published", ["group", "state"]
)
drones_followed = Gauge("bongsu_drones_followed", "Drones that the stage of drones follows", ["group"])
drones_dropped = Counter(
    "bongsu_drones_dropped",
    "Drones dropped because too many are followed, those unseen for longest",
    ["group"],
)

# -- the deliveries ----------------------------------------------------------------------------------------------

deliveries = Counter(
    "bongsu_deliveries",
    "Tries of deliveries by outcome: delivered, retried (failed, to be tried again), set_aside",
    ["city", "receiver", "outcome"],
)
delivery_seconds = Histogram(
    "bongsu_delivery_seconds",
    "Time of one try of a delivery, whatever its outcome",
    ["city"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
delivery_age = Gauge(
    "bongsu_delivery_age_seconds",
    "Age of the oldest record that a receiver does not have yet; 0 when it has all",
    ["city", "receiver"],
)
receivers_dead = Gauge(
    "bongsu_receivers_dead", "Receivers no longer tried until someone revives them", ["city"]
)
receiver_lag = Gauge(
    "bongsu_receiver_lag_records",
    "Records of the delivered topics above a receiver's place",
    ["city", "receiver"],
)

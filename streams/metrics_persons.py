"""The metrics of missing persons' searches; the rules for labels are in ``streams/metrics.py``. No label names a case."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

persons_cases = Gauge("bongsu_persons_cases", "Missing persons' cases that are looked for now", ["group"])
persons_sightings = Counter(
    "bongsu_persons_sightings", "Sightings that were read while a case was open", ["group"]
)
persons_candidates = Counter(
    "bongsu_persons_candidates", "Revisions of candidates that were published, by state", ["group", "state"]
)
persons_routes = Counter("bongsu_persons_routes", "Revisions of routes that were published", ["group"])
persons_left_out = Counter(
    "bongsu_persons_left_out",
    "Rows of cases left out: no key opens them, or they are damaged; cases given up; calls of buses beyond those held",
    ["group", "reason"],
)
persons_back = Histogram(
    "bongsu_persons_back_seconds",
    "Time to look back for a case",
    ["group"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 120),
)

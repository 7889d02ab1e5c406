"""The panels of the broker's dashboard. They name no city: all cities share the broker."""

from __future__ import annotations

TITLE = "Bongsu: the broker"
PANELS = (
    ("Partitions without a leader", "sum(kafka_offline_partitions)", "short"),
    ("Partitions that miss a replica", "sum(kafka_under_replicated_partitions)", "short"),
    ("Partitions that take no records", "sum(kafka_under_min_isr_partitions)", "short"),
    ("Active controllers", "sum(kafka_active_controllers)", "short"),
    ("Log directories given up", "sum(kafka_offline_log_directories)", "short"),
    ("Records written a second", "sum(rate(kafka_messages_in_total[5m]))", "short"),
    ("Written", "sum by (instance) (rate(kafka_bytes_in_total[5m]))", "Bps"),
    ("Read", "sum by (instance) (rate(kafka_bytes_out_total[5m]))", "Bps"),
    ("Requests, 99 of 100", "max by (request) (kafka_request_p99_seconds)", "s"),
    ("Request handlers idle", "min by (instance) (kafka_handlers_idle_ratio)", "percentunit"),
    ("Network threads idle", "min by (instance) (kafka_network_idle_ratio)", "percentunit"),
    ("Size on disk, ten biggest topics", "topk(10, sum by (topic) (kafka_log_size_bytes))", "bytes"),
    ("Heap", 'sum by (instance) (jvm_memory_used_bytes{area="heap",job="bongsu-kafka"})', "bytes"),
    (
        "Collecting garbage",
        'sum by (instance) (rate(jvm_gc_collection_seconds_sum{job="bongsu-kafka"}[5m]))',
        "percentunit",
    ),
)
"""Title, query, unit in Grafana's words."""

"""Dashboards for Grafana, which is not shipped: ``python -m deploy.manifests.dashboards -o DIR`` writes them. Pure.

A panel is a title, a query and a unit. The data source and the city are variables of the dashboard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from deploy.manifests import broker_panels
from deploy.telling import tell

CITY = "$city"
WIDTH, HEIGHT, ACROSS = 8, 7, 3
IN_CITY = '{city="$city"}'
DATA_SOURCE = {"type": "prometheus", "uid": "${source}"}

Panel = tuple[str, str, str]
"""Title, query, unit in Grafana's words."""

DASHBOARDS: Mapping[str, tuple[str, Sequence[Panel]]] = {
    "city": (
        "Bongsu: a city",
        (
            ("Open situations by kind", f"sum by (kind) (bongsu_situations_open{IN_CITY})", "short"),
            (
                "Alerts a minute, by rule",
                f"60 * sum by (rule) (rate(bongsu_alerts_total{IN_CITY}[5m]))",
                "short",
            ),
            ("Grants in force", f"sum(bongsu_grants_open{IN_CITY})", "short"),
            ("Behind, by stage", f"max by (group) (bongsu_lag_seconds{IN_CITY})", "s"),
            ("Sources by state", f"sum by (state) (bongsu_source_state{IN_CITY})", "short"),
            ("Processes that answer", f"sum by (role) (up{IN_CITY})", "short"),
            (
                "Records taken a second",
                f"sum by (group) (rate(bongsu_records_taken_total{IN_CITY}[5m]))",
                "short",
            ),
            (
                "Errors a minute, by kind",
                f"60 * sum by (kind) (rate(bongsu_errors_total{IN_CITY}[5m]))",
                "short",
            ),
            ("Memory, by role", f"sum by (role) (process_resident_memory_bytes{IN_CITY})", "bytes"),
        ),
    ),
    "sources": (
        "Bongsu: sources and agencies",
        (
            ("Events a minute", f"sum by (source) (bongsu_source_events_per_minute{IN_CITY})", "short"),
            ("Last heard", f"time() - max by (source) (bongsu_source_heard_timestamp_seconds{IN_CITY})", "s"),
            (
                "Age of first reports, 9 of 10, by agency",
                f"histogram_quantile(0.9, sum by (agency, le) (rate(bongsu_event_age_seconds_bucket{IN_CITY}[30m])))",
                "s",
            ),
            (
                "In time, by agency (last hour)",
                f"sum by (agency) (bongsu:events_in_time:increase1h{IN_CITY})"
                f" / sum by (agency) (bongsu:events_aged:increase1h{IN_CITY})",
                "percentunit",
            ),
            (
                "Error budget left of 30 days, by agency",
                f"min by (source, agency) (bongsu:event_age_budget_left:ratio30d{IN_CITY})",
                "percentunit",
            ),
            ("Clock skew", f"max by (source) (bongsu_source_clock_skew_seconds{IN_CITY})", "s"),
            (
                "Late, out of order, twice, unplaced",
                f"max by (source, of) (bongsu_source_share{IN_CITY})",
                "percentunit",
            ),
            ("Where kinds come from", f"sum by (kind_source) (bongsu_source_kinds{IN_CITY})", "short"),
            (
                "Set aside a minute, by topic",
                f"60 * sum by (topic, reason) (rate(bongsu_records_set_aside_total{IN_CITY}[5m]))",
                "short",
            ),
            (
                "Put a second, by source",
                f'sum by (group) (rate(bongsu_events_put_total{{city="{CITY}",group=~".*ingest.*"}}[5m]))',
                "short",
            ),
        ),
    ),
    "stages": (
        "Bongsu: rules and match",
        (
            (
                "Transactions, 99 of 100",
                f"histogram_quantile(0.99, sum by (group, le) (rate(bongsu_transaction_seconds_bucket{IN_CITY}[5m])))",
                "s",
            ),
            ("Situations in the state", f"sum(bongsu_situations{IN_CITY})", "short"),
            ("Open watches", f"max(bongsu_watches_open{IN_CITY})", "short"),
            ("Matches a second", f"sum(rate(bongsu_matches_total{IN_CITY}[5m]))", "short"),
            (
                "Observations a second",
                f'sum by (topic) (rate(bongsu_records_taken_total{{city="{CITY}",role="match"}}[5m]))',
                "short",
            ),
            ("Unread by the match", f"sum by (topic) (bongsu_lag_records{IN_CITY})", "short"),
            ("Look-back: observations", f"sum(bongsu_look_back_observations{IN_CITY})", "short"),
            ("Look-back: memory", f"sum(bongsu_look_back_bytes{IN_CITY})", "bytes"),
            (
                "Evidence put a second",
                f'sum(rate(bongsu_events_put_total{{city="{CITY}",role="match"}}[5m]))',
                "short",
            ),
        ),
    ),
    "deliveries": (
        "Bongsu: gateway and deliveries",
        (
            (
                "Requests a second, by status",
                f"sum by (status) (rate(bongsu_gateway_requests_total{IN_CITY}[5m]))",
                "short",
            ),
            (
                "Time to an answer, 99 of 100",
                f"histogram_quantile(0.99, sum by (le) (rate(bongsu_gateway_answer_seconds_bucket{IN_CITY}[5m])))",
                "s",
            ),
            (
                "Reads a second, by route",
                f"sum by (route) (rate(bongsu_gateway_reads_total{IN_CITY}[5m]))",
                "short",
            ),
            ("Spool: age of the oldest", f"max by (source) (bongsu_spool_age_seconds{IN_CITY})", "s"),
            ("Spool: room", f"min(bongsu_spool_room_bytes{IN_CITY})", "bytes"),
            ("Open streams", f"sum(bongsu_gateway_streams{IN_CITY})", "short"),
            (
                "Tries a minute, by outcome",
                f"60 * sum by (outcome) (rate(bongsu_deliveries_total{IN_CITY}[5m]))",
                "short",
            ),
            ("Behind, by receiver", f"max by (receiver) (bongsu_delivery_age_seconds{IN_CITY})", "s"),
            (
                "Disk: free share",
                f"min(bongsu_home_free_bytes{IN_CITY} / bongsu_home_size_bytes{IN_CITY})",
                "percentunit",
            ),
        ),
    ),
}

"""The dashboards of a city, by the name of their files."""
BROKER = "broker"
EVERY: Mapping[str, tuple[str, Sequence[Panel]]] = {
    **DASHBOARDS,
    BROKER: (broker_panels.TITLE, broker_panels.PANELS),
}


def dashboard(name: str) -> dict[str, Any]:
    """The dashboard *name* in Grafana's form (schema 39: Grafana 10.4 and later)."""
    title, panels = EVERY[name]
    return {
        "uid": f"bongsu-{name}",
        "title": title,
        "schemaVersion": 39,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_source()] if name == BROKER else [_source(), _city()]},
        "panels": [_panel(number, *panel) for number, panel in enumerate(panels)],
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _city() -> dict[str, Any]:
    query = 'label_values(up{role!=""}, city)'
    return {
        "name": "city",
        "label": "City",
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": query,
        "refresh": 2,
    }


def _panel(number: int, title: str, query: str, unit: str) -> dict[str, Any]:
    row, column = divmod(number, ACROSS)
    return {
        "id": number + 1,
        "title": title,
        "type": "timeseries",
        "datasource": DATA_SOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": column * WIDTH, "y": row * HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": query, "datasource": DATA_SOURCE}],
    }


@click.command()
@click.option(
    "-o",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="folder for the files",
)
def main(folder: Path) -> None:
    """Write the dashboards as files that Grafana imports.

    \b
    Example:  python -m deploy.manifests.dashboards -o /tmp/dashboards
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in EVERY:
        text = json.dumps(dashboard(name), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", "utf-8")
    tell(f"{len(EVERY)} dashboards in {folder}")


if __name__ == "__main__":
    main()

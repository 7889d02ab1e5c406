"""The gauges of situations: by kind, back to 0, and not counted more often than every ten seconds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from prometheus_client import REGISTRY

from schemas.event import Event
from streams.stages.situation_metrics import SituationMetrics

GROUP = "counted.situations"


def situation(
    kind: str, *, closed_at: int | None = None, merged_into: str | None = None, grants: int = 0
) -> Any:
    view = SimpleNamespace(kind=kind, closed_at=closed_at, merged_into=merged_into)
    return SimpleNamespace(view=view, grants=(None,) * grants)


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"group": GROUP, **labels})


def test_open_situations_are_shown_by_kind_and_a_kind_goes_back_to_none() -> None:
    now_s = 100.0
    metrics = SituationMetrics(GROUP, lambda: now_s)
    fire, crash = situation("fire.building", grants=2), situation("crash.vehicle")
    metrics.show(
        [fire, fire, crash, situation("crash.vehicle", closed_at=1), situation("fire", merged_into="x")]
    )
    assert shown("bongsu_situations_open", kind="fire.building") == 2
    assert shown("bongsu_situations_open", kind="crash.vehicle") == 1
    assert shown("bongsu_situations_open", kind="fire") is None
    assert shown("bongsu_grants_open") == 4
    now_s += 9.9
    metrics.show([])
    assert shown("bongsu_situations_open", kind="fire.building") == 2, (
        "a hundred thousand are not counted each second"
    )
    now_s += 0.1
    metrics.show([crash])
    assert shown("bongsu_situations_open", kind="fire.building") == 0
    assert shown("bongsu_situations_open", kind="crash.vehicle") == 1
    assert shown("bongsu_grants_open") == 0


def test_an_alert_is_counted_by_its_rule_and_what_kind_of_message_it_is() -> None:
    metrics = SituationMetrics(GROUP)
    metrics.count(Event("core.alert", "a", {"rule": "surge", "message_type": "update"}))
    metrics.count(Event("core.situation", "s", {}))
    assert shown("bongsu_alerts_total", rule="surge", message_type="update") == 1
    assert shown("bongsu_events_put_total", topic="core.situation") == 1

"""Sources are found by their files, and report faults of their settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, SourceContext
from connectors.discovery import BadConfig, is_polled, load_source, source_types

DEMO = SourceContext("demo", "calls", ZoneInfo("Asia/Seoul"), Bounds(37, 126, 38, 127))


def test_every_module_is_a_type_and_no_private_one_is() -> None:
    assert {"houston_active_incidents", "daejeon_devices"} <= set(source_types())
    assert not [name for name in source_types() if name.startswith("_")]


def test_a_hyphen_stands_for_an_underscore() -> None:
    assert not is_polled(load_source("simulated-calls", DEMO, {"domain": "fire"}))


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadConfig, match="houston_active_incidents") as caught:
        load_source("huston", DEMO, {})
    assert [(one.where, one.kind) for one in caught.value.problems] == [(("type",), "unknown")]


def test_every_wrong_setting_is_named_and_no_value_is_repeated() -> None:
    with pytest.raises(BadConfig) as caught:
        load_source("simulated_calls", DEMO, {"domain": "fire", "pace_s": -5, "key": "hush"})
    assert [one.where for one in caught.value.problems] == [("pace_s",), ("key",)]
    assert "hush" not in str(caught.value)

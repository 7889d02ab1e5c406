"""Subscribers outside Kafka: the rows and fields that each sees, in tables of the test's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.subscribers import ALL, DELIVERED, Subscriber, is_cleared
from schemas.catalogue import load_catalogue
from schemas.cloud_event import cloud_event
from schemas.masking import masked

IDENTIFYING = {
    "core.situation": {
        "acknowledged_by",
        "taken_by",
        "reason",
        "incidents.address",
        "actions.account_id",
        "actions.reason",
    },
    "core.alert": {"references"},
    "core.grant": set[str](),
}
LOCATED = {
    "core.situation": {"position", "incidents.position", "evidence.position"},
    "core.alert": {"position", "area"},
    "core.grant": {"position"},
}


def example(contract: str, **more: Any) -> dict[str, Any]:
    file = load_catalogue()[contract].folder / "examples" / "typical.json"
    return {**json.loads(file.read_text(encoding="utf-8")), **more}


def nulls(value: Any, path: str = "") -> set[str]:
    """The paths that are null in *value*."""
    if isinstance(value, dict):
        return {one for name in value for one in nulls(value[name], f"{path}.{name}" if path else name)}
    if isinstance(value, list):
        return {one for inner in value for one in nulls(inner, path)}
    return {path} if value is None else set()


@pytest.mark.parametrize("contract", DELIVERED)
@pytest.mark.parametrize("cleared", [False, True])
def test_a_subscriber_sees_places_but_who_it_is_only_with_a_purpose(contract: str, cleared: bool) -> None:
    whole = example(contract)
    shown = Subscriber(ALL, cleared).shown(contract, whole)
    assert nulls(shown) - nulls(whole) == (set() if cleared else IDENTIFYING[contract])
    assert shown.keys() == whole.keys()


@pytest.mark.parametrize("contract", DELIVERED)
def test_the_public_sees_an_alerts_area_and_no_other_place(contract: str) -> None:
    whole = example(contract)
    hidden = nulls(Subscriber(None, is_cleared=True).shown(contract, whole)) - nulls(whole)
    assert hidden == (IDENTIFYING[contract] | LOCATED[contract]) - {"area"}


def test_masking_leaves_the_event_itself_as_it_is() -> None:
    whole = example("core.situation")
    before = json.dumps(whole)
    masked("core.situation", whole, identifying=False, located=False)
    assert json.dumps(whole) == before
    assert masked("core.situation", whole, identifying=True, located=True) == whole


def test_nothing_of_an_unknown_contract_is_shown() -> None:
    with pytest.raises(KeyError):
        masked("core.unknown", {}, identifying=True, located=True)


@pytest.mark.parametrize(
    ("audience", "contract", "row", "may"),
    [
        ("119", "core.situation", {"agencies": ["112", "119"]}, True),
        ("119", "core.situation", {"agencies": ["112"]}, False),
        ("119", "core.alert", {"audience": "119"}, True),
        ("119", "core.alert", {"audience": "operator"}, False),
        ("119", "core.alert", {"audience": "public"}, True),
        ("119", "core.grant", {"granted_to": "119"}, True),
        ("119", "core.grant", {"granted_to": "119/pump-3"}, True),
        ("119", "core.grant", {"granted_to": "1190"}, False),
        (ALL, "core.situation", {"agencies": []}, True),
        (ALL, "core.grant", {"granted_to": "112"}, True),
        (ALL, "core.track", {}, False),
        (ALL, "cctv.detection", {}, False),
        (ALL, "mobility.position", {}, False),
        (None, "core.alert", {"audience": "public"}, True),
        (None, "core.alert", {"audience": "119"}, False),
        (None, "core.situation", {"agencies": ["119"]}, False),
        (None, "core.grant", {"granted_to": "119"}, False),
    ],
)
def test_a_subscriber_gets_its_own_rows(
    audience: str | None, contract: str, row: dict[str, Any], may: bool
) -> None:
    assert Subscriber(audience, is_cleared=True).may_read(contract, row) is may


def test_only_a_purpose_of_the_law_clears() -> None:
    assert is_cleared(["fire-safety"], ["crime-prevention", "fire-safety"])
    assert not is_cleared(["curiosity"], ["crime-prevention", "fire-safety"])
    assert not is_cleared([], ["crime-prevention"])


def test_a_cloud_event_has_the_attributes_of_the_records_headers() -> None:
    event = cloud_event("core.alert", "s1", example("core.alert"))
    assert event["id"] == "00000000000000000000000000000001"
    assert (event["source"], event["type"]) == ("/daejeon/cad", "bongsu.core.alert")
    assert (event["time"], event["subject"]) == ("2026-03-08T09:00:00.000+00:00", "s1")
    assert event["specversion"] == "1.0" and event["data"]["headline"] == "text"

"""Masking by every HTTP way: no identifying field without a purpose of the law; of places the public sees areas of alerts.

The expected classes stand here, written apart from the contracts' files: a path that those forget is missed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from connectors.gateway.read_documents import example_of
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from tests.unit.gateway.a_reading_city import Reader, a_reading_city
from tests.unit.gateway.test_open_routes import operations

IDENTIFYING: Mapping[str, Sequence[str]] = {
    "core.situation": (
        "acknowledged_by",
        "taken_by",
        "reason",
        "incidents.address",
        "actions.account_id",
        "actions.reason",
    ),
    "core.alert": ("references.name", "references.reference"),
    "core.grant": (),
}
LOCATED: Mapping[str, Sequence[str]] = {
    "core.situation": ("position", "incidents.position"),
    "core.alert": ("position",),
    "core.grant": ("position",),
}
LEFT_OUT = (
    "core.track",
    "cctv.detection",
    "cctv.person",
    "cctv.plate",
    "core.candidate",
    "core.route",
    "mobility.position",
    "civil.vulnerable",
    "police.missing",
    "police.wanted",
)
"""Contracts of persons, detections and vehicles: nothing of them leaves by any of these ways."""
MARK = "SECRET"
PLACE = 36.987654
WAYS = {
    "/v1/{city}/situations": "situations?status=closed&status=open",
    "/v1/{city}/situations/{situation_id}": "situations/text",
    "/v1/{city}/situations/{situation_id}/deliveries": "situations/text/deliveries",
    "/v1/{city}/alerts": "alerts",
    "/v1/{city}/grants": "grants",
    "/v1/{city}/recorded": "recorded?from=2026-05-28T20:00:00Z&to=2026-05-28T21:00:00Z",
    "/v1/{city}/cameras": "cameras?near=36.3,127.4",
    "/v1/{city}/health": "health",
    "/v1/{city}/access": "access",
    "/v1/{city}/figures": "figures?from=2026-03-08&to=2026-03-08",
    "/v1/{city}/cap": "cap",
    "/v1/{city}/cap/{identifier}.xml": "cap/open-1.xml",
}
OTHERS = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/console/api/session"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with a_reading_city(tmp_path_factory.mktemp("masked")) as made:
        for contract in IDENTIFYING:
            for revision in (1, 2):
                made.city.put(contract, **{**marked(contract), "revision": revision})
        made.figures.facts.put_situation(in_the_log("core.situation"))
        made.figures.facts.put_alert(in_the_log("core.alert"))
        made.city.put("core.alert", **{**marked("core.alert"), "alert_id": "open", "audience": "public"})
        yield made


def marked(contract: str) -> dict[str, Any]:
    """The example whose identifying texts bear ``SECRET``, and whose places are at one latitude; 119's."""
    value = example_of(contract)
    for path in IDENTIFYING[contract]:
        _set(value, path.split("."), f"{MARK} {path}")
    for path in LOCATED[contract]:
        _set(value, path.split("."), {"lat": PLACE, "lon": 127.5, "accuracy_m": None})
    return {**value, "city": "springfield", "agencies": ["119"], "audience": "119", "granted_to": "119"}


def in_the_log(contract: str) -> dict[str, Any]:
    """The marked example as it is read from its topic."""
    return from_json_value(load_catalogue()[contract].newest, marked(contract))


def _set(value: Any, path: Sequence[str], what: Any) -> None:
    if isinstance(value, list):
        assert value, path
        for one in value:
            _set(one, path, what)
    elif len(path) > 1:
        _set(value[path[0]], path[1:], what)
    else:
        assert path[0] in value
        value[path[0]] = what


def secrets_in(text: str) -> set[str]:
    return set(re.findall(rf"{MARK} [\w.]+", text))


def test_every_way_that_reads_is_looked_at(reader: Reader) -> None:
    reading = {path for method, path in operations(reader.here.app) if method == "GET"}
    assert reading - OTHERS == set(WAYS)


@pytest.mark.parametrize("role", ["no-purpose", "viewer", "operator", "supervisor", "public"])
def test_without_the_purpose_no_identifying_field_leaves(reader: Reader, role: str) -> None:
    for path in WAYS.values():
        answer = reader.get(path, role=role)
        assert answer.status_code in {200, 403, 404}, path
        assert secrets_in(answer.text) == set(), (role, path)


def test_with_the_purpose_each_of_them_is_shown(reader: Reader) -> None:
    found = set[str]()
    for path in WAYS.values():
        found |= secrets_in(reader.get(path).text)
    assert found == {f"{MARK} {path}" for paths in IDENTIFYING.values() for path in paths}


def test_places_leave_for_an_audience_and_not_for_the_public(reader: Reader) -> None:
    for path in ("situations?status=open&status=closed", "situations/text", "alerts", "grants"):
        assert str(PLACE) in reader.get(path, role="no-purpose").text, path
    for path in WAYS.values():
        assert str(PLACE) not in reader.get(path, role="public").text, path
    (alert,) = reader.get("alerts", role="public").json()["alerts"]
    assert (alert["position"], alert["area"]["lat"]) == (None, 36.35)


def test_no_filter_tells_what_is_masked(reader: Reader) -> None:
    assert reader.ids(f"situations?status=open&text={MARK}", role="no-purpose") == []
    assert reader.ids(f"situations?status=open&text={MARK}") == ["text"]
    around = f"bbox=127.4,{PLACE - 0.01},127.6,{PLACE + 0.01}"
    assert reader.ids(f"alerts?{around}&audience=public", role="public") == []


def test_persons_detections_and_vehicles_leave_by_none_of_these_ways(reader: Reader) -> None:
    described = reader.here.app.openapi()["components"]["schemas"]
    assert not set(LEFT_OUT) & set(described)
    assert set(LEFT_OUT) <= set(load_catalogue())


def test_a_forgotten_class_is_seen(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unmask one field, as a contract's file that forgets it would, and see this test's check find it."""
    from schemas import masking  # noqa: PLC0415 - the one test that changes it

    whole = masking._tree

    def forgetful(contract: str, *classes: Any) -> Any:
        return {name: inner for name, inner in whole(contract, *classes).items() if name != "taken_by"}

    monkeypatch.setattr(masking, "_tree", forgetful)
    text = reader.get("situations?status=open", role="no-purpose").text
    assert secrets_in(text) == {f"{MARK} taken_by"}

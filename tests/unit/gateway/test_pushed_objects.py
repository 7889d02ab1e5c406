"""A push that names the one object that its body is about: the address reaches the source with the body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from connectors.discovery import load_source
from connectors.gateway.accounts import Accounts, new_key
from connectors.gateway.examination import PushedSource
from tests.unit.gateway.an_app import CONTEXT, NOON_MS, Here, a_gateway

LOCATION = {
    "publish": True,
    "coordinates": {"latitude": "36.5", "longitude": "127.5"},
    "evses": [{"uid": "1", "status": "AVAILABLE"}],
    "last_updated": "2026-05-28T20:00:00Z",
}
PATH = "/v1/springfield/sources/chargers"
WHOLE = f"{PATH}?object=locations/KR/MOI/L1"
PART = f"{PATH}?object=locations/KR/MOI/L1/1&method=PATCH"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with a_gateway(tmp_path) as found:
        key, account = new_key("springfield", "moi", ["chargers", "reports"], now_ms=NOON_MS)
        found.gateway.accounts = Accounts([account.value or {}])
        found.key = key
        reader = load_source("ocpi_locations", CONTEXT, {})
        found.gateway.sources = {**found.gateway.sources, "chargers": PushedSource("chargers", reader)}
        yield found


def bodies(here: Here) -> list[bytes]:
    return [one.body for one in here.spool.waiting("chargers")]


def test_the_address_of_an_object_is_kept_with_its_body(here: Here) -> None:
    answer = here.post(LOCATION, path=WHOLE)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    (body,) = bodies(here)
    assert orjson.loads(body) == {"object": "locations/KR/MOI/L1", "method": "PUT", "body": LOCATION}
    assert body.endswith(orjson.dumps(LOCATION) + b"}"), "the body stays as it came, byte for byte"


def test_a_part_of_a_location_that_is_not_known_is_refused_and_nothing_is_kept(here: Here) -> None:
    part = {"status": "CHARGING", "last_updated": "2026-05-28T20:01:00Z"}
    answer = here.post(part, path=PART)
    assert (answer.status_code, answer.json()["refused"][0]["field"]) == (422, "object")
    assert bodies(here) == []


def test_one_body_for_two_objects_is_two_pushes_and_under_one_key_is_refused(here: Here) -> None:
    answers = [here.post(LOCATION, path=f"{WHOLE}{number}") for number in (1, 2)]
    assert [one.json()["repeated"] for one in answers] == [False, False]
    again = [here.post(LOCATION, path=f"{WHOLE}{number}", idempotency_key="k") for number in (3, 4)]
    assert [one.status_code for one in again] == [202, 422]


@pytest.mark.parametrize("body", [b"7", b'{"a": 1}}', b""])
def test_a_body_that_would_break_out_of_its_object_is_refused(here: Here, body: bytes) -> None:
    answer = here.post(body, path=WHOLE)
    assert answer.status_code in (400, 422)
    assert bodies(here) == []


def test_a_body_cannot_name_another_object(here: Here) -> None:
    more = orjson.dumps(LOCATION) + b',"object":"locations/KR/MOI/L2"'
    assert here.post(more, path=WHOLE).status_code == 422
    assert bodies(here) == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/springfield/sources/reports?object=locations/KR/MOI/L1", {}),
        (f"{WHOLE}&object=locations/KR/MOI/L2", {}),
        (WHOLE, {"ce_specversion": "1.0", "ce_source": "/o", "ce_type": "put", "ce_id": "1"}),
    ],
)
def test_an_object_is_named_once_to_a_source_that_takes_objects(
    here: Here, path: str, headers: dict[str, str]
) -> None:
    answer = here.post(LOCATION, path=path, **headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "object")
    assert bodies(here) == []

"""An id that the registry does not know is asked for once in some seconds, not once a record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas import registry as registry_module
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.framing import frame
from schemas.registry import UNKNOWN_S, Registry
from schemas.wire import Wire
from tests.a_registry import Shelf, a_registry

FIRE = load_catalogue()["fire.incident"]
TOPIC = "daejeon.fire.incident"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with a_registry() as shelf:
        yield shelf


def refused(registry: Registry, schema_id: int) -> None:
    with pytest.raises(Invalid, match=f"no schema id {schema_id}"):
        registry.schema_of(schema_id)


def requests(shelf: Shelf) -> int:
    return sum("/schemas/ids/" in one for one in shelf.asked)


def test_ten_thousand_records_of_an_unknown_id_are_one_request(shelf: Shelf) -> None:
    wire = Wire(Registry(shelf.url, now_s=Clock()))
    junk = frame(7_000, b"junk")
    for _ in range(10_000):
        with pytest.raises(Invalid, match="no schema id 7000"):
            wire.decode(TOPIC, junk)
    assert requests(shelf) == 1


def test_after_some_seconds_it_is_asked_for_again_and_may_be_known_by_then(shelf: Shelf) -> None:
    clock = Clock()
    registry = Registry(shelf.url, now_s=clock)
    refused(registry, 1)
    Registry(shelf.url).id_of(TOPIC, FIRE)  # another process registers it meanwhile
    clock.now_s += UNKNOWN_S - 0.01
    refused(registry, 1)
    clock.now_s += 0.01
    assert registry.schema_of(1)["name"] == FIRE.newest["name"]
    assert requests(shelf) == 2


def test_an_id_that_we_register_ourselves_is_known_at_once(shelf: Shelf) -> None:
    registry = Registry(shelf.url, now_s=Clock())
    newest = len(FIRE.versions)
    refused(registry, newest)
    assert registry.id_of(TOPIC, FIRE) == newest
    assert registry.schema_of(newest)


def test_of_many_unknown_ids_the_newest_are_remembered_and_no_more(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry_module.UNKNOWN_MAX == 1_000
    at_most = 30  # a thousand requests over HTTP would take seconds
    monkeypatch.setattr(registry_module, "UNKNOWN_MAX", at_most)
    registry = Registry(shelf.url, now_s=Clock())
    for schema_id in range(1_000, 1_000 + at_most + 10):
        refused(registry, schema_id)
    assert len(registry._unknown_until_s) == at_most
    before = requests(shelf)
    refused(registry, 1_000 + at_most + 9)
    assert requests(shelf) == before
    refused(registry, 1_000)
    assert requests(shelf) == before + 1

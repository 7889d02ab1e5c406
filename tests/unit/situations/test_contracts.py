"""Every answer of the rules fits its contract, and is unchanged after encoding and decoding."""

from __future__ import annotations

from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from tests.unit.situations.a_city import a_camera, a_city, a_tick, an_incident, place


def test_what_is_said_fits_its_contract() -> None:
    city = a_city(
        a_camera(),
        an_incident("F1"),
        an_incident("F2", unplaced=True),
        an_incident("P1", kind="crash", where=place(300)),
        an_incident("P1", kind="crash", where=place(30), revision=2),
        an_incident("F1", status="closed", heard="12:20", revision=2),
        a_tick("18:00"),
    )
    codecs = {name: RowCodec(contract.newest) for name, contract in load_catalogue().items()}
    assert {event.topic for event in city.said} == {
        "core.situation",
        "core.alert",
        "core.grant",
        "core.state",
    }
    for event in [*city.said, city.state.clock_row()]:
        assert event.value is not None
        assert codecs[event.topic].decode(codecs[event.topic].encode(dict(event.value))) == event.value

"""The rules' memories: rows of an older version are read as typed memories, and written again byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from streams.situations.entry import Entry
from streams.situations.memory import Memory, OpenedWatch, memory_of
from streams.situations.rules.parts.spells import Spell
from streams.situations.rules.surge.level import Level
from streams.situations.rules.traffic_impact.pace import Pace
from streams.situations.rules.traffic_impact.turn import Hub, Impact, Register
from streams.situations.rules.unconfirmed.claims import Pending
from streams.situations.rules.wanted.listing import Listed
from streams.situations.state.city import CityState
from streams.situations.state.rows import memory_body, memory_from
from tests.unit.situations.a_city import City, a_tick, at, place, rules

ENDS = '"wake_at":1717396980000,"situation_id":null,"covers":[]}'
WATCHED = (
    '{"rule":"wanted","key":"W1","body":{"agency":"112","confirmed":["5c1c"],"dismissed":[],"ends_at":null,'
    '"heard":1717394460000,"legal_ground":"order 2024-77","offence":"robbery","read":["5c1c"],"revision":1,'
    '"said":"38d2","source":"scenario","tokens":["72db"],"watch_id":"78ca"},' + ENDS
)
STANDING = '{"rule":"unconfirmed","key":"watch","body":{"revision":1,"said":"45cd","watch_id":"a8b8"},' + ENDS
ROWS: list[tuple[str, Any]] = [
    (WATCHED, Listed),
    (STANDING, OpenedWatch),
    (
        '{"rule":"unconfirmed","key":"pending","body":{"claims":[{"at":1717380600000,"found":{"distance_m":null,'
        '"event_id":"f3d2","label":"smoke","offset":0,"partition":0,"seconds":1717380600.0,"seen_by":"east",'
        '"topic":"demo.cctv.detection"},"kind":"fire","lat":36.35,"lon":127.38066995855048}]},' + ENDS,
        Pending,
    ),
    (
        '{"rule":"vulnerable","key":"spells","body":{"a\\u001fperson-17":{"began":1717431000000,'
        '"calm_since":1717431600000,"heard":1717431600000,"situation_id":"ec0b"},"b\\u001fs":{"began":1,"heard":2,'
        '"is_over":true,"situation_id":"b857"}},' + ENDS,
        dict[str, Spell],
    ),
    (
        '{"rule":"surge","key":"wires","body":{"began":1717431360000,"calm_since":null,"learnt_until":477064,'
        f'"seen":[{",".join(["[0.5,1.0]"] * 24)}],"since":1717430280000,"situation_id":"ee77",'
        '"surges":[[1,2]],"told_count":6},"wake_at":1717435860000,"situation_id":"ee77","covers":["wires"]}',
        Level,
    ),
    (
        '{"rule":"traffic-impact","key":"cell:28428:55703","body":{"event":["9a38","demo.mobility.speed",0,34],'
        '"heard":1717504200000,"pending":{"477084":[1069.446,70.0,7.0]},"recent":[[1717503960000,10,15.2]],'
        '"seen":{"12":[666.668,40.0,4.0]}},' + ENDS,
        Pace,
    ),
    ('{"rule":"traffic-impact","key":"hub:h1","body":{"lat":36.3464027185451,"lon":127.38},' + ENDS, Hub),
    (
        '{"rule":"traffic-impact","key":"impacts","body":{"fac8":{"began":1,"calm_since":2,"cells":["1:2"],'
        '"is_on":true,"seen":3,"situation_id":"11ab","told_cells":2,"told_share":0.3185179239517272}},'
        + ENDS,
        dict[str, Impact],
    ),
    (
        '{"rule":"traffic-impact","key":"register","body":{"cells":0,"hubs":2,"left_out":{"cells":1}},'
        + ENDS,
        Register,
    ),
    ('{"rule":"wanted-removed","key":"","body":{"a\\u001fW1":1717394460000},' + ENDS, dict[str, int]),
]


@pytest.mark.parametrize(("row", "form"), ROWS)
def test_a_row_of_before_is_a_typed_memory_and_the_same_row_again(row: str, form: Any) -> None:
    memory = memory_from(row.encode())
    assert memory_body(memory) == row.encode()
    kept = memory.read(form)
    again = memory_of(
        memory.rule,
        memory.key,
        kept,
        wake_at=memory.wake_at,
        situation_id=memory.situation_id,
        covers=memory.covers,
        watch_id=memory.watch_id,
    )
    assert again == memory


@pytest.mark.parametrize(("row", "watch_id"), [(WATCHED, "78ca"), (STANDING, "a8b8")])
def test_a_watch_stands_in_the_row_and_not_among_what_the_rule_keeps(row: str, watch_id: str) -> None:
    memory = memory_from(row.encode())
    assert memory.watch_id == watch_id
    assert "watch_id" not in memory.body


def test_a_memory_is_what_a_restart_finds() -> None:
    memory = memory_of("surge", "fire", Level(since=1, learnt_until=2, surges=((3, 4),)))
    assert memory == memory_from(memory_body(memory))
    assert isinstance(memory, Memory)


def test_a_sensor_may_bear_any_name() -> None:
    """Also that of a field of a row: its spell is no watch."""
    city = City(rules(others=[{"name": "disaster", "numbers": {}}]))
    value = {
        "event_id": "e1",
        "source": None,
        "event_time": at("12:01"),
        "received_time": at("12:01"),
        "position": place(),
        "sensor_id": "watch_id",
        "quantity": "gas",
        "unit": None,
        "threshold": 1.0,
        "value": 9.0,
    }
    city.take(a_tick("12:00"), Entry("notice", "demo.civil.observation", 0, 0, value))
    assert [one["status"] for one in city.live()] == ["open"]
    rows = {event.key: event.value for event in city.said if event.topic == "core.state"}
    assert CityState.from_records(city.config, rows.items()).memories == city.state.memories

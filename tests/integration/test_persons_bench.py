"""The benchmarks of missing persons under load, small: their own code works, and judges what it measured."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from deploy.platform import Platform
from deploy.settings import Endpoints
from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.wire import Wire
from tests.bench import persons_back, persons_flow
from tests.bench.persons_town import KINDS, MadeTown, a_town

pytestmark = pytest.mark.cluster
NOW_MS = 1_790_000_000_123


@pytest.fixture
def platform(cluster: Endpoints) -> Platform:
    return Platform(cluster, Wire(Registry(cluster.registry)))


def test_made_frames_are_what_the_codec_reads(platform: Platform) -> None:
    cases = persons_flow.cases_of(persons_flow.FlowLoad(cases=1), NOW_MS)
    town = a_town(cases, platform.wire, near_m=persons_flow.NEAR_M)
    chance = np.random.default_rng(1)
    many = town.crowd(chance, 2**33, NOW_MS + np.arange(50))
    town.plant(chance, many, cases[0], np.arange(5))
    for row, value in enumerate(town.frames(many)):
        read = platform.wire.decode(f"{town.city}.cctv.person", value)
        camera, looks = town.kinds[many.kind[row]]
        assert int(read["event_id"], 16) == 2**33 + row
        assert read["event_time"] == read["received_time"] == NOW_MS + row
        assert read["camera_id"] == camera
        assert {one["name"]: one["word"] for one in read["attributes"]} == looks
    assert all(many.kind[:5] >= KINDS) and all(many.kind[5:] < KINDS)


@pytest.mark.long
def test_a_flow_gives_the_candidates_of_a_plain_search(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = persons_flow.FlowLoad(rate=1_000, seconds=10, cases=2, rank_s=1.0)
    figures = persons_flow.measure(platform, load)
    assert figures.candidates > 20 and figures.drained_s < 20
    assert figures.delays[0] == figures.candidates
    # a search that wants one more is not met
    wanted = MadeTown.wanted
    monkeypatch.setattr(MadeTown, "wanted", lambda *about: wanted(*about) | {Random(1).randrange(2**40)})
    with pytest.raises(Fatal, match="void: the candidates"):
        persons_flow.measure(platform, replace(load, seconds=2))


@pytest.mark.long
def test_a_case_opened_beside_live_ones_is_told_of_its_past(platform: Platform) -> None:
    load = persons_back.BackLoad(past=10_000, live=1, before_s=4, wait_s=40)
    figures = persons_back.measure(platform, load)
    assert 0 < figures.first_s < 30 and figures.told > 20
    assert figures.before[0] > 2 and figures.before[2] < 30

"""Cameras' recordings played over the real bus: each detection once in its topic, plates as tokens only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

CLEAR = "II04458"
PLATE_KEY = "a secret of more than sixteen bytes"
FEEDS = {
    "axis": "axis/scene_description_first_half.jsonl",
    "axis-plates": "axis_alpv/alpv_allplates_event.xml",
    "deepstream": "nvidia_deepstream/demo-1_first60pct.jsonl.gz",
    "onvif": "onvif_26.06/examples/analytics_xml_20.xml",
}
DETECTIONS = {"axis": 492 + 8, "deepstream": 1_816, "onvif": 1}
"""The Axis recording's 492 observations, and 8 tracks that end."""


@pytest.fixture(scope="module")
def city(
    cluster: Endpoints, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LivingCity]:
    """The demo city under its own name, with every feed played at once."""
    made = LivingCity("stage", tmp_path_factory.mktemp("stage"), cluster, "demo")
    feeds = [
        word for name, file in FEEDS.items() for word in ("--source", name, str(data_dir / "cctv" / file))
    ]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BONGSU_PLATE_KEY", PLATE_KEY)
        for _ in range(2):
            said = made.bongsu("play", str(made.file), *feeds)
            assert CLEAR not in said.stdout + said.stderr
    yield made
    made.remove()


def test_every_detection_is_in_its_topic_once_though_it_was_played_twice(city: LivingCity) -> None:
    seen = city.values("cctv.detection")
    assert Counter(one["source"] for one in seen) == DETECTIONS
    assert len({one["event_id"] for one in seen}) == len(seen)
    assert not city.values("source.dlq")


def test_a_detection_without_a_place_has_its_cameras_and_says_so(city: LivingCity) -> None:
    sources = Counter((one["source"], one["position_source"]) for one in city.values("cctv.detection"))
    assert sources == {
        ("axis", "camera"): DETECTIONS["axis"],
        ("deepstream", "camera"): 17,
        ("deepstream", None): 1_799,
        ("onvif", "camera"): 1,
    }


def test_the_plate_is_a_token_and_its_text_is_in_no_topic_and_no_file(city: LivingCity) -> None:
    (plate,) = city.values("cctv.plate")
    assert plate["camera_id"] == "stage-plates"
    for contract in load_catalogue():
        for record in city.records(contract):
            assert CLEAR.encode() not in (record.key or b"") + (record.value or b""), contract
    for path in city.folder.rglob("*"):
        assert not path.is_file() or CLEAR.encode() not in path.read_bytes(), path.name


def test_the_search_above_would_find_it(data_dir: Path) -> None:
    assert CLEAR.encode() in (data_dir / "cctv" / FEEDS["axis-plates"]).read_bytes()

"""Houston's list as it was in 2022, over the real bus: played again it publishes nothing new."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.settings import Endpoints
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

LEGACY = "houston/houston_active_incidents_legacy_2022-01-01.jsonl.gz"


def test_the_form_of_2022_played_again_says_nothing_new(
    cluster: Endpoints, data_dir: Path, tmp_path: Path
) -> None:
    city = LivingCity("legacy", tmp_path, cluster)
    words = ("play", str(city.file), "--source", "active-incidents", str(data_dir / LEGACY), "--ingest-only")
    try:
        city.bongsu(*words)
        incidents = city.incidents()
        assert len(incidents) == 682
        assert "played 0 events" in city.bongsu(*words).stderr
        assert city.incidents() == incidents
        assert not city.set_aside()
    finally:
        city.remove()

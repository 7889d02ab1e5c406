"""A gateway's key is rotated while an agency pushes: nothing is lost, nothing doubled, the old key is refused in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep, time

import pytest

from deploy.settings import Endpoints
from tests.a_gateway import Agency, PushedCity, in_batches, reports
from tests.living_city import LivingCity, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.long]

OLD_S = 8
REFUSED_S = 5.0
"""A gateway refuses an old key within so long after its end."""
DRAINED_S = 60.0
REPORTS, IN_BATCH, PAUSE_S = 2_000, 10, 0.1


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path) -> Iterator[PushedCity]:
    made = PushedCity(LivingCity("rotated", tmp_path, cluster))
    try:
        yield made
    finally:
        made.stop()
        made.city.remove()


def test_a_key_is_rotated_under_load(city: PushedCity) -> None:
    old = city.key()
    city.start()
    sent = reports("a", REPORTS)
    agency = Agency(city, old, in_batches(sent, IN_BATCH), pause_s=PAUSE_S)
    sleep(1.0)
    done = city.city.bongsu("key", "rotate", str(city.city.file), "police", "--old-until", f"{OLD_S}s")
    new = done.stdout.strip()
    assert new.split("_")[:2] == old.split("_")[:2], "one account"
    wait_until(lambda: city.push(new, "reports", reports("new", 1))[0] == 202, REFUSED_S)
    seen = agency.answers["202"]
    wait_until(lambda: agency.answers["202"] > seen, REFUSED_S)
    assert agency.answers["401"] == 0, "the old key is good beside the new one"
    wait_until(lambda: agency.answers["401"] > 0, OLD_S + REFUSED_S)
    refused_ms = time() * 1_000
    (until,) = (one["old_until"] for one in city.city.values("core.account") if one["old_until"])
    assert 0 <= refused_ms - until < REFUSED_S * 1_000, f"refused {refused_ms - until:.0f} ms after its end"
    agency.key = new
    agency.thread.join()
    assert agency.answers.keys() == {"202", "401"}
    assert len(agency.acknowledged) == REPORTS
    wait_until(lambda: city.waiting() == 0, DRAINED_S)
    cases = [one["agency_case_no"] for one in city.city.values("police.incident")]
    assert sorted(one for one in cases if one.startswith("a-")) == sorted(
        one["agency_case_no"] for one in sent
    ), "each once"
    assert city.push(old, "reports", reports("late", 1))[0] == 401
    listed = city.city.bongsu("key", "list", "--city", str(city.city.file)).stdout
    assert new.split("_", 2)[2] not in listed
    assert old.split("_", 2)[2] not in listed

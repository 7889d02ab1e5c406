"""The storm of May 2024 over the whole bus: Houston's real list in; situations, alerts and grants out."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.settings import Endpoints
from schemas.event import Event
from streams.geo import distance_m
from streams.runtime.records import Record
from tests.living_city import DERECHO, LivingCity, cut, live

pytestmark = pytest.mark.cluster

HALF = 138
ROAD = ("crash.vehicle", "crash.motorcycle", "crash.pedestrian")
GRANT_END_MS = 5_000

NewCity = Callable[[str], LivingCity]


@pytest.fixture(scope="module")
def new_city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewCity]:
    made: list[LivingCity] = []

    def make(name: str) -> LivingCity:
        made.append(LivingCity(name, tmp_path_factory.mktemp(name), cluster))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="module")
def recording(data_dir: Path) -> Path:
    return data_dir / DERECHO


@pytest.fixture(scope="module")
def at_once(new_city: NewCity, recording: Path) -> LivingCity:
    """The whole storm, played once."""
    city = new_city("storm-at-once")
    city.play(recording)
    return city


@pytest.fixture(scope="module")
def in_halves(new_city: NewCity, recording: Path) -> LivingCity:
    """The first half played, and then all of it."""
    city = new_city("storm-in-halves")
    city.play(cut(recording, city.folder / "half.jsonl", count=HALF))
    city.play(recording)
    return city


@pytest.fixture(scope="module")
def a_morning(new_city: NewCity, recording: Path) -> LivingCity:
    """The first hours only."""
    city = new_city("storm-morning")
    city.play(cut(recording, city.folder / "morning.jsonl", count=12))
    return city


# -- the storm -----------------------------------------------------------------------------------------------


def test_the_storm_is_so_many_incidents_and_nothing_is_set_aside(at_once: LivingCity) -> None:
    assert len(at_once.incidents()) == 5_160
    assert at_once.set_aside() == []


def test_half_and_then_all_is_as_all_at_once(at_once: LivingCity, in_halves: LivingCity) -> None:
    assert in_halves.gist() == at_once.gist()
    assert sorted(in_halves.incidents().values()) == sorted(at_once.incidents().values())


def test_two_fresh_plays_find_the_same_situations(at_once: LivingCity, in_halves: LivingCity) -> None:
    def story(city: LivingCity) -> list[tuple[Any, ...]]:
        """Every revision published, not only the last."""
        return [
            (one["kind"], one["status"], one["reason"] and one["reason"].split()[0], one["opened_at"])
            for one in city.values("core.situation")
        ]

    assert story(at_once) == story(in_halves)


def test_played_again_there_is_nothing_new(in_halves: LivingCity, recording: Path) -> None:
    before = {contract: len(in_halves.records(contract)) for contract in PUBLISHED}
    said = in_halves.play(recording)
    assert "played 0 events in 0 transactions" in said
    assert {contract: len(in_halves.records(contract)) for contract in PUBLISHED} == before


PUBLISHED = ("fire.incident", "police.incident", "core.situation", "core.alert", "core.grant")


def test_the_reports_of_one_happening_find_each_other(at_once: LivingCity) -> None:
    road, medical, joined = joining(at_once)
    assert (len(road), len(road & joined), len(medical & joined)) == (127, 68, 186)


@pytest.mark.long  # without Kafka it is in tests/scenario/test_derecho_joins.py
def test_with_the_police_six_hours_later_hardly_any_do(new_city: NewCity, recording: Path) -> None:
    city = new_city("storm-shifted")
    city.play(recording, "--shift", "police=360")
    road, medical, joined = joining(city)
    assert len(road & joined) <= 4
    assert len(medical & joined) <= 15


def test_no_situation_outgrows_its_bounds(at_once: LivingCity) -> None:
    for one in at_once.values("core.situation"):
        if one["rule"] != "joint-incident":
            continue  # a surge has no reports of its own: the situations under it have
        times = [incident["event_time"] for incident in one["incidents"]]
        places = [incident["position"] for incident in one["incidents"] if incident["position"]]
        assert len(times) <= 6
        assert max(times) - min(times) <= 90 * 60_000
        assert all(distance_m(a["lat"], a["lon"], b["lat"], b["lon"]) <= 600 for a in places for b in places)


def test_each_incident_is_in_exactly_one_live_situation(at_once: LivingCity) -> None:
    homes = [one["incident_id"] for each in live(at_once.situations()) for one in each["incidents"]]
    assert sorted(homes) == sorted(at_once.incidents())


def test_who_follows_a_merger_comes_to_a_live_situation(at_once: LivingCity) -> None:
    situations = at_once.situations()
    assert any(one["merged_into"] for one in situations.values())
    for one in situations:
        assert ends_alive(one, situations)


def test_a_merger_in_a_circle_would_be_found() -> None:
    assert not ends_alive("a", {"a": {"merged_into": "b"}, "b": {"merged_into": "a"}})
    assert not ends_alive("a", {"a": {"merged_into": "nowhere"}})


def test_every_grant_ends_with_its_situation(at_once: LivingCity) -> None:
    over = {one["situation_id"]: one["closed_at"] for one in at_once.situations().values()}
    grants = {one["grant_id"]: one for one in at_once.values("core.grant")}
    assert len(grants) == 33_755
    for grant in grants.values():
        assert grant["expires_at"] > grant["opened_at"]
        closed_at = over[grant["situation_id"]]
        if closed_at is not None:
            assert grant["revoked_at"] <= min(closed_at, grant["expires_at"]) + GRANT_END_MS


def test_cameras_that_were_generated_say_so(at_once: LivingCity) -> None:
    cameras = at_once.values("place.camera")
    assert len(cameras) == 5_795
    assert all(one["generated"] for one in cameras)


# -- replay --------------------------------------------------------------------------------------------------


def test_the_journal_gives_the_same_answers_again_to_the_byte(in_halves: LivingCity) -> None:
    assert "byte-identical" in in_halves.bongsu("replay", str(in_halves.file), "--verify").stdout


def test_an_exported_journal_verifies_without_the_bus_and_is_the_same_each_time(
    a_morning: LivingCity, tmp_path: Path
) -> None:
    files = [tmp_path / "one.jsonl.gz", tmp_path / "other.jsonl.gz"]
    for file in files:
        a_morning.bongsu("replay", str(a_morning.file), "--export", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()
    on_the_bus = a_morning.bongsu("replay", str(a_morning.file), "--verify").stdout
    offline = LivingCity(
        "offline", tmp_path, Endpoints("127.0.0.1:1", "http://127.0.0.1:1", "redis://127.0.0.1:1")
    )
    assert offline.bongsu("replay", "--verify", str(files[0])).stdout == on_the_bus
    streamed = a_morning.bongsu("replay", str(a_morning.file), "--export", "-").stdout
    assert streamed.encode() == gzip.decompress(files[0].read_bytes())


def test_a_city_that_never_ran_has_nothing_to_export(new_city: NewCity, tmp_path: Path) -> None:
    city = new_city("storm-never")
    told = city.bongsu("replay", str(city.file), "--export", str(tmp_path / "none.jsonl"), code=2).stderr
    assert "storm-never never ran here" in told
    assert "run it first: bongsu run" in told
    assert list(tmp_path.glob("*none*")) == []


def test_an_answer_that_the_rules_never_gave_is_found(a_morning: LivingCity) -> None:
    verify = ("replay", str(a_morning.file), "--verify")
    assert "byte-identical" in a_morning.bongsu(*verify).stdout
    foreign(a_morning, a_morning.records("core.alert")[-1].value or b"", contract="core.alert")
    assert "core.alert: answered then, not now" in a_morning.bongsu(*verify, code=1).stdout
    foreign(a_morning, None, contract="core.watch")
    assert "core.watch: answered then, not now" in a_morning.bongsu(*verify, code=1).stdout


def test_an_answer_that_was_altered_is_found(new_city: NewCity, recording: Path) -> None:
    city = new_city("storm-altered")
    city.play(cut(recording, city.folder / "cut.jsonl", count=2))
    last = city.values("core.situation")[-1]
    altered = city.wire.encode(
        city.name, Event("core.situation", last["situation_id"], {**last, "revision": 99})
    )
    foreign(city, altered[2] or b"", contract="core.situation")
    assert "differ" in city.bongsu("replay", str(city.file), "--verify", code=1).stdout


def test_a_journal_whose_first_entries_are_gone_goes_on_from_its_snapshot_and_without_one_shows_no_why(
    new_city: NewCity, recording: Path
) -> None:
    city = new_city("storm-long-ago")
    for some in two_days(recording, city.folder):
        city.play(some)
    its_id = city.values("core.situation")[0]["situation_id"]
    kept = [one for one in city.records("core.journal") if snapshot_part(city, one) is not None]
    assert [snapshot_part(city, one) for one in kept] == [*["part"] * (len(kept) - 1), "end"]

    delete_before(city, kept[0].offset)
    verified = city.bongsu("replay", str(city.file), "--verify")
    assert "byte-identical" in verified.stdout
    assert "begins with the journal's snapshot of 2024-05-1" in verified.stderr
    shown = city.bongsu("situation", "show", its_id, "--city", str(city.file))
    assert "came in: before the journal's snapshot; its newest: report" in shown.stdout

    delete_before(city, kept[0].offset + 1)
    shown = city.bongsu("situation", "show", its_id, "--city", str(city.file))
    assert "without why" in shown.stderr
    assert "revision 1" in shown.stdout


# -- helpers -------------------------------------------------------------------------------------------------


def two_days(recording: Path, folder: Path) -> list[Path]:
    """A list of the first day and one of two days later; and some from behind them."""
    first, later, behind = (
        cut(recording, folder / f"{n}.jsonl", first=n, count=count)
        for n, count in ((0, 2), (200, 1), (201, 3))
    )
    first.write_bytes(first.read_bytes() + later.read_bytes())
    return [first, behind]


def snapshot_part(city: LivingCity, record: Record) -> str | None:
    row = city.wire.decode(record.topic, record.value or b"")
    return row["key"] if row["entry"] == "snapshot" else None


def delete_before(city: LivingCity, offset: int) -> None:
    """Do what retention does to the journal."""
    admin = AdminClient({"bootstrap.servers": city.places.kafka})
    (gone,) = admin.delete_records([TopicPartition(city.topic("core.journal"), 0, offset)]).values()
    gone.result(30)


def kinds_called(city: LivingCity, domain: str) -> dict[str, set[str]]:
    """Incident → all kinds of its revisions: a medical call often becomes a crash on arrival."""
    called: dict[str, set[str]] = {}
    for one in city.values(f"{domain}.incident"):
        called.setdefault(one["incident_id"], set()).add(one["kind"])
    return called


def joining(city: LivingCity) -> tuple[set[str], set[str], set[str]]:
    """The fire department's road and medical incidents, and all that are in one situation with a police crash."""

    def those(called: Mapping[str, set[str]], *kinds: str) -> set[str]:
        return {one for one, words in called.items() if any(word.startswith(kinds) for word in words)}

    fire, police = kinds_called(city, "fire"), kinds_called(city, "police")
    crashes = those(police, "crash")
    groups = [{one["incident_id"] for one in each["incidents"]} for each in live(city.situations())]
    joined = {one for group in groups if group & crashes for one in group - crashes}
    return those(fire, *ROAD), those(fire, "medical"), joined


def ends_alive(one: str, situations: Mapping[str, Mapping[str, Any]]) -> bool:
    passed: set[str] = set()
    while one in situations and one not in passed:
        passed.add(one)
        into = situations[one]["merged_into"]
        if into is None:
            return True
        one = into
    return False


def foreign(city: LivingCity, value: bytes | None, *, contract: str, key: bytes = b"foreign") -> None:
    """Write into a topic of the city as another program."""
    producer = Producer({"bootstrap.servers": city.places.kafka})
    producer.produce(city.topic(contract), value, key=key)
    assert producer.flush(10) == 0


def test_the_half_is_a_half(recording: Path) -> None:
    with gzip.open(recording) as lines:
        assert sum(1 for _ in lines) == 2 * HALF

"""The options of a play, and the effect of a control experiment on the times."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from deploy.city.city import load_city
from deploy.cli.play import Pairs, _pace, _pair, _shift
from deploy.demo.play import _by_source, _heard_of, shifted
from deploy.faults import UsageFault
from deploy.times import epoch_ms as _time_ms
from schemas.event import Event

HOUR = 60


def parsed(*words: str) -> dict[str, object]:
    command = Pairs(
        "play",
        params=[
            click.Argument(["city"]),
            click.Option(["--source", "pairs"], multiple=True),
            click.Option(["--until"]),
            click.Option(["--ingest-only"], is_flag=True),
        ],
    )
    return command.make_context("play", list(words)).params


def test_every_word_after_a_source_is_a_recording_of_it() -> None:
    found = parsed("houston", "--source", "a", "1.gz", "2.gz", "--until", "now", "--source", "b", "3.gz")
    assert found["pairs"] == ("a\0" + "1.gz\0" + "2.gz", "b\0" + "3.gz")
    assert (found["city"], found["until"]) == ("houston", "now")


def test_an_option_ends_the_list_of_recordings() -> None:
    assert parsed("houston", "--source", "a", "1.gz", "--ingest-only")["ingest_only"] is True


def test_a_source_without_a_recording_says_what_to_write() -> None:
    with pytest.raises(UsageFault, match="names no recording"):
        _pair(load_city("houston"), "active-incidents")
    with pytest.raises(UsageFault, match=r"no recording nowhere\.gz"):
        _pair(load_city("houston"), "active-incidents\0nowhere.gz")
    with pytest.raises(UsageFault, match="it has: active-incidents"):
        _pair(load_city("houston"), "buses\0nowhere.gz")


def test_a_source_and_its_recordings_are_found(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.touch()
    assert _pair(load_city("houston"), f"active-incidents\0{file}") == ("active-incidents", [file])


def test_times_and_shifts_are_read_or_refused_with_a_form_to_write() -> None:
    assert _shift("police=360") == ("police", 360)
    assert _time_ms("1970-01-01T00:00:01Z") == 1_000
    assert _time_ms("1970-01-01T01:00:00+01:00") == 0
    for wrong in ("police", "police=late"):
        with pytest.raises(UsageFault, match="police=360"):
            _shift(wrong)
    with pytest.raises(UsageFault, match="ISO 8601"):
        _time_ms("yesterday")


def test_a_shift_moves_one_domain_and_no_other() -> None:
    later = shifted({"police": 6 * HOUR})
    fire, police = (Event(f"{domain}.incident", "k", {"event_time": 5}) for domain in ("fire", "police"))
    assert later(fire) is fire
    assert (later(police).value or {})["event_time"] == 5 + 6 * HOUR * 60_000
    assert (police.value or {})["event_time"] == 5, "what the source said stays as it was"
    gone = Event("police.incident", "k", None)
    assert later(gone) is gone


class Clock:
    """A clock for the waits of a play: time passes by waiting alone."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("deploy.cli.play.time", made)
    return made


def test_without_a_speed_nobody_waits(clock: Clock) -> None:
    wait = _pace(None)
    wait(0)
    wait(10**15)
    assert clock.waits == []


def test_with_a_speed_the_recordings_time_passes_so_many_times_as_fast(clock: Clock) -> None:
    wait = _pace(60)
    for minute in (5, 6, 6, 8):
        wait(minute * 60_000)
    assert clock.waits == [0, 1, 0, 2]
    clock.now_s += 5  # publishing took longer than the pace allows
    wait(9 * 60_000)
    assert clock.waits[-1] == 0


def test_recordings_of_one_source_are_heard_in_order_of_time_files_without_one_first(tmp_path: Path) -> None:
    later, sooner, timeless = (tmp_path / name for name in ("later", "sooner", "timeless"))
    later.write_text(recorded("2026-03-08T12:02:00Z", "2026-03-08T12:04:00Z"), encoding="utf-8")
    sooner.write_text(recorded("2026-03-08T12:01:00Z", "2026-03-08T12:03:00Z"), encoding="utf-8")
    timeless.write_text("as it is", encoding="utf-8")
    heard = list(_heard_of([later, sooner, timeless]))
    minutes = [one.at_ms and one.at_ms // 60_000 % 60 for one in heard]
    assert minutes == [None, 1, 2, 3, 4]


def test_a_source_named_twice_is_one_source() -> None:
    a, b, c = Path("a"), Path("b"), Path("c")
    assert _by_source([("x", [a]), ("y", [b]), ("x", [c])]) == [("x", [a, c]), ("y", [b])]


def recorded(*times: str) -> str:
    return "".join(f'{{"fetched_at": "{at}", "body": "said at {at}"}}\n' for at in times)

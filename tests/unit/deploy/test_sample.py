"""The sample recordings are the simulated city's own, and are found by name."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from connectors.recordings import write_line
from connectors.sources.simulated_calls import Config, SimulatedCalls
from deploy.city.city import load_city
from deploy.demo.sample import SAMPLES, names, recording
from deploy.faults import UsageFault

START_MS = round(datetime.fromisoformat("2026-10-05T09:00:00+09:00").timestamp() * 1000)
LAST_MS = 120_000


SOURCES = {"demo-calls-119.jsonl": "calls-119", "demo-reports-112.jsonl": "reports-112"}


def simulated(source_name: str) -> bytes:
    """The recording of a source of the simulated city over two minutes, by a clock of its own."""
    city, clock = load_city("demo"), {"ms": START_MS}
    config = Config.model_validate(city.source_file(source_name).settings)

    async def wait(seconds: float) -> None:
        clock["ms"] += round(seconds * 1000)

    source = SimulatedCalls(city.context(source_name), config, now_ms=lambda: clock["ms"], wait=wait)

    async def recorded() -> bytes:
        lines: list[bytes] = []
        async for heard in source.listen():
            if (heard.at_ms or 0) > START_MS + LAST_MS:
                break
            lines.append(write_line(heard))
        return b"".join(lines)

    return asyncio.run(recorded())


@pytest.mark.parametrize(("name", "source"), SOURCES.items())
def test_a_sample_is_what_the_simulated_city_says(name: str, source: str) -> None:
    assert (SAMPLES / name).read_bytes() == simulated(source)


def test_every_sample_is_one_of_these_and_small() -> None:
    assert names() == sorted(SOURCES)
    assert sum((SAMPLES / name).stat().st_size for name in names()) < 64_000


def test_a_file_comes_before_a_sample_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "demo-calls-119.jsonl"
    assert recording(name) == SAMPLES / name
    (tmp_path / name).touch()
    assert recording(name) == Path(name)


@pytest.mark.parametrize("wrong", ["nothing.jsonl", "../samples/demo-calls-119.jsonl", ""])
def test_what_is_neither_is_told_with_the_samples(wrong: str) -> None:
    with pytest.raises(UsageFault) as caught:
        recording(wrong)
    assert "demo-calls-119.jsonl" in (caught.value.hint or "")

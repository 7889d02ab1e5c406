"""Junk in every topic that has a reader: it is left out, counted and logged, and the city continues with the rest."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

import orjson
import pytest
from confluent_kafka import Producer

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from schemas.framing import frame
from schemas.json_form import from_json_value
from schemas.rows import RowCodec
from streams.runtime.row_reader import RowReader
from streams.stages.situation_intake import ASKED, EVIDENCE
from tests.a_gateway import PushedCity, reports
from tests.living_city import LivingCity, answers, end, wait_until
from tests.prometheus_text import complaints, twice
from tests.reads import COMMANDS, STAGES

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

READY_S, SEEN_S = 180.0, 60.0
NOISE_BYTES = 1_000_000
BESIDE = (EVIDENCE, *ASKED)
"""Contracts that the situations stage skips unread, and counts, where no rule needs them."""


def an_example(contract: str) -> bytes:
    """The contract's example, as Avro."""
    about = load_catalogue()[contract]
    text = (about.folder / "examples" / "typical.json").read_text(encoding="utf-8")
    codec = RowCodec(about.newest, max_bytes=about.max_bytes)
    return codec.encode(from_json_value(about.newest, orjson.loads(text)))


class JunkCity:
    """A pushed city, and junk for its topics."""

    def __init__(self, name: str, folder: Path, places: Endpoints) -> None:
        self.gateway = PushedCity(LivingCity(name, folder, places))
        self.city = self.gateway.city
        self.ports = {"gateway": self.gateway.port}
        self._workers = ExitStack()
        self._sent: dict[str, int] = {}

    def send(self, contract: str, *, hot_key: str | None = None) -> None:
        """Send a record of *contract* of every unreadable sort; the last also under *hot_key*."""
        topic, about = self.city.topic(contract), load_catalogue()[contract]
        schema_id, good = self.city.wire.registry.id_of(topic, about), an_example(contract)
        chance = Random(7)
        bodies: list[bytes | None] = [
            b"\x07" + frame(schema_id, good)[1:],
            frame(2_000_000_000, good),
            frame(4_294_967_295, good),
            frame(schema_id, good[:-3]),
            frame(schema_id, good) + b"\x00",
            b"",
            chance.randbytes(NOISE_BYTES),
            frame(schema_id, chance.randbytes(NOISE_BYTES)),
        ]
        is_table = about.cleanup == "compact"
        if is_table:
            bodies.append(frame(schema_id, good))  # under a key that is not its own
        else:
            bodies.append(None)
        producer = Producer(
            {
                "bootstrap.servers": self.city.places.kafka,
                "message.max.bytes": 8_000_000,
                "compression.type": "lz4",
                "log_level": 3,
            }
        )
        for number, body in enumerate(bodies):
            producer.produce(topic, body, key=f"junk {self._sent.get(contract, 0)}.{number}", partition=0)
        if hot_key is not None:
            producer.produce(topic, b"\x07junk", key=hot_key, partition=0)
        assert producer.flush(30) == 0
        self._sent[contract] = self._sent.get(contract, 0) + len(bodies)

    def start(self, *others: str) -> None:
        """Start the gateway, the stages, and each of *others* in a worker of its own; wait until they are ready."""
        self.gateway.start()
        started = {}
        for stage in ("stages", *others):
            self.ports[stage] = free_port()
            words = ["--only-stages"] if stage == "stages" else ["--stage", stage]
            at = str(self.ports[stage])
            started[stage] = self.city.start("run", str(self.city.file), "--quiet", "--web-port", at, *words)
            self._workers.callback(end, started[stage])
        for stage, worker in started.items():
            wait_until(partial(self._is_up_or_over, stage, worker), READY_S)
            assert worker.poll() is None, f"{stage} ended at once"

    def _is_up_or_over(self, stage: str, worker: subprocess.Popen[bytes]) -> bool:
        return answers(self.ports[stage]) or worker.poll() is not None

    def stop(self) -> None:
        self.gateway.stop()
        self._workers.close()

    def counted(self, worker: str, group: str, contract: str) -> float:
        """The stage's count of records of *contract* that it left out."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[worker]}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        of, topic = re.escape(f"{self.city.name}.{group}"), re.escape(self.city.topic(contract))
        found = re.findall(
            rf'^bongsu_records_set_aside_total\{{group="{of}",reason="\w+",topic="{topic}"\}} (\S+)',
            text,
            re.M,
        )
        count = sum(map(float, found))
        if contract in BESIDE and group == "situations":
            skipped = re.search(r"^bongsu_evidence_unlisted_total\{.*\} (\S+)", text, re.M)
            count += float(skipped[1]) if skipped else 0.0
        return count

    def pages(self) -> dict[str, str]:
        """The metrics of each process, by its name."""
        pages = {}
        for worker, port in self.ports.items():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                pages[worker] = answer.read().decode()
        return pages

    def situations(self) -> int:
        """The number of situations published, without junk."""
        reader = RowReader(self.city.wire, "test")
        told = reader.values(self.city.records("core.situation"))
        return len({one["situation_id"] for one in told})

    def status_of(self, key: str, number: int) -> int:
        return self.gateway.push(key, "reports", reports(f"n{number}", 1))[0]


@pytest.fixture
def junk_city(cluster: Endpoints, tmp_path: Path) -> Iterator[JunkCity]:
    made = JunkCity("junk", tmp_path, cluster)
    try:
        yield made
    finally:
        made.stop()
        made.city.remove()


HOT = {"core.state": "clock", "source.place": "reports", "core.source": "reports"}


def test_junk_in_every_topic_of_every_stage_stops_nothing(junk_city: JunkCity) -> None:
    city = junk_city.city
    leaked, good = junk_city.gateway.key(), junk_city.gateway.key()
    leaked_id = leaked.split("_")[1]
    read = sorted({contract for _, _, contracts in STAGES.values() for contract in contracts})

    junk_city.start("match", "speed", "drones", "hubs", "energy", "persons")
    assert junk_city.status_of(leaked, 1) == 202
    wait_until(lambda: len(city.situations()) == 1, SEEN_S, every_s=0.2)
    for contract in read:
        junk_city.send(contract, hot_key=leaked_id if contract == "core.account" else HOT.get(contract))
    for module, (worker, group, contracts) in STAGES.items():
        if module in WHEN_ASKED:
            continue
        for contract in contracts - UNASKED.get(module, set()) - (at_the_start := _only_at_the_start(module)):
            assert at_the_start <= contracts
            wait_until(lambda: junk_city.counted(worker, group, contract) >= 8, SEEN_S, every_s=0.2)  # noqa: B023 (called at once)
    assert junk_city.status_of(leaked, 2) == 202
    wait_until(lambda: junk_city.situations() == 2, SEEN_S, every_s=0.2)
    for (
        worker,
        page,
    ) in junk_city.pages().items():  # with errors, records set aside, alerts and lags of all stages
        assert (complaints(page), twice(page)) == ("", []), worker
        assert "bongsu_lag_seconds{" in page and "bongsu_errors_total{" in page, worker

    junk_city.stop()
    for contract in read:  # and once more, for workers that start with junk in the topic
        junk_city.send(contract, hot_key=leaked_id if contract == "core.account" else HOT.get(contract))
    junk_city.start("match", "speed", "drones", "hubs", "energy", "persons")
    for module, (worker, group, contracts) in STAGES.items():
        every = contracts - UNASKED.get(module, set())
        for contract in every if module not in (*FROM_THE_END, *WHEN_ASKED) else ():
            least = 1 if group.startswith("ingest.") else 8
            wait_until(lambda: junk_city.counted(worker, group, contract) >= least, SEEN_S, every_s=0.2)  # noqa: B023 (as above)
    assert junk_city.status_of(leaked, 3) == 202
    wait_until(lambda: junk_city.situations() == 3, SEEN_S, every_s=0.2)
    assert len(city.values("core.tick.dlq")) >= 16

    said = city.bongsu("key", "revoke", leaked_id, "--city", str(city.file)).stderr
    assert "is refused from now on" in said
    wait_until(lambda: junk_city.status_of(leaked, 4) == 401, 5.0)
    assert junk_city.status_of(good, 5) == 202


UNASKED = {
    "streams/stages/situations.py": {"mobility.position"},
    "streams/stages/persons_known.py": {"cctv.person", "core.candidate", "core.route"},
}
"""Contracts that a module reads only for a rule, or an open case, that this city has not."""
WHEN_ASKED = (
    "streams/chargers/ledger.py",  # rows of its own chargers alone, by their keys
    "streams/chargers/charger_takeover.py",  # the same, of the chargers of its list
    "streams/stages/listed_again.py",
    "streams/chargers/closures_now.py",
    "streams/chargers/surplus_power.py",
    "streams/operators/fleet_log.py",
    "streams/operators/recorded_log.py",
    "streams/sightings/past_rows.py",  # for a case that is opened
)
"""Modules that read when somebody asks for a page, and say then what is unreadable."""
FROM_THE_END = ("streams/stages/deliver_log.py", "streams/stages/deliver_cap.py")
"""Modules that begin with what comes: without a receiver that is behind they read nothing of before."""


def _only_at_the_start(module: str) -> set[str]:
    """The contracts that the module reads at its start only."""
    return {
        "streams/ingest/ingest.py": {"source.place", "core.source"},
        "streams/stages/situations.py": {"core.state"},
        "streams/stages/speed.py": {"mobility.speed"},
        "streams/stages/drones.py": {"drone.verdict"},
        "streams/stages/hubs.py": {"core.hub"},
        "streams/stages/energy.py": {"energy.reward"},
        "streams/stages/deliver.py": {"core.delivery"},
        "streams/operators/access.py": {"core.access"},
    }.get(module, set())


@pytest.mark.long
def test_commands_read_on_after_junk_and_say_what_they_left_out(junk_city: JunkCity) -> None:
    city, file = junk_city.city, str(junk_city.city.file)
    key = junk_city.gateway.key()
    junk_city.gateway.user("desk-1", "operator")
    junk_city.start()
    assert junk_city.status_of(key, 1) == 202
    wait_until(lambda: len(city.situations()) == 1, SEEN_S, every_s=0.2)
    (its_id,) = city.situations()
    wait_until(lambda: city.values("core.alert"), SEEN_S, every_s=0.2)
    for contract in sorted({one for contracts in COMMANDS.values() for one in contracts}):
        junk_city.send(contract)
    junk_city.stop()
    left_out = "left out what cannot be read"
    for words in (
        ("key", "list", "--city", file),
        ("user", "list", "--city", file),
        ("user", "passwd", "desk-1", "--city", file),
        ("situation", "list", file, "--all"),
        ("situation", "show", its_id, "--city", file),
        ("dlq", "list", "--city", city.name),
        ("replay", file),
        ("replay", file, "--verify"),
        ("effects", file),
        ("status",),
    ):
        assert left_out in city.bongsu(*words).stderr, words
    assert its_id[:6] in city.bongsu("situation", "list", file, "--all").stdout
    assert "byte-identical" in city.bongsu("replay", file, "--verify").stdout
    tailed = city.bongsu("tail", "core.*", "--city", city.name, "--from-beginning", "--until-idle", "--json")
    lines = [orjson.loads(line) for line in tailed.stdout.splitlines()]
    assert {line["topic"] for line in lines if "error" in line} >= {city.topic("core.situation")}
    assert any(line["value"] and line["value"].get("situation_id") == its_id for line in lines)

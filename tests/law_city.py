"""A city with all its stages, real keys and an account of each right, for the tests of the law of missing persons' cases."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka.admin import AdminClient
from redis import Redis

from connectors.gateway.accounts import new_user
from deploy.assembly.stages import free_port
from deploy.settings import Endpoints, home_folder
from deploy.topics import ensure_topics
from streams.operators.publisher import Publisher
from streams.runtime.kafka import read_whole
from tests.a_gateway import PushedCity
from tests.hub_bus import HubBus, whole
from tests.hub_day import Input
from tests.living_city import LivingCity, end, wait_until
from tests.person_town import CAMERAS, LAT, LON, LOOKS, a_camera, a_person

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
READY_S = 60.0
FILE = """
name = "{name}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 37.0
west = 126.0
north = 38.0
east = 128.0
[gateway]
port = {port}
[cases]
agencies = ["112", "122"]
[persons]
clock_s = 5.0
within_m = 20.0
route = {{ show = 1e-9, looks_floor = 1.0, accept = 0.6, keep = 0.1 }}
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[subscription]]
name = "archive"
who = "everybody"
sink = "json_lines"
audience = "*"
path = "{folder}/archive.jsonl"
[[rule]]
name = "joint-incident"
"""
CASE = b"canary"
"""Part of words that stand in a case alone: its number, its requester, its photo's reference and a note."""
TRAIT = b"walking_aid"
"""An attribute that stands in a case alone."""
SIGHTED = b"sighted-"
"""Part of words that stand in a sighting, and in a candidate."""
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "police": {"role": "operator", "audience": "112", "purposes": ["missing-person"]},
    "coast-guard": {"role": "operator", "audience": "122", "purposes": ["missing-person"]},
    "no-purpose": {"role": "supervisor", "audience": "112"},
    "everybody": {"role": "supervisor", "audience": "*", "purposes": ["missing-person"]},
    "viewer": {"role": "viewer", "audience": "112", "purposes": ["missing-person"]},
    "auditor": {"role": "auditor", "audience": "112", "purposes": ["missing-person"]},
    "administrator": {"role": "administrator", "audience": None, "purposes": ["missing-person"]},
    "nobody": {},
}
AREA = {
    "type": "Polygon",
    "coordinates": [[[126.77, 37.49], [126.79, 37.49], [126.79, 37.53], [126.77, 37.53], [126.77, 37.49]]],
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def a_sighting(number: int, camera: str, at_ms: int) -> Input:
    """Somebody who looks as the case says."""
    crop = {"ref": f"sighted-crop-{number}", "expires_at": at_ms + HOUR_MS}
    return a_person(number, camera, at_ms, LOOKS, track_id=f"sighted-track-{number}", crop=crop)


class LawCity:
    """``bongsu run`` of a whole city. *accounts*: who → key; *heard*: what the stream of events told one who reads all."""

    def __init__(self, name: str, folder: Path, places: Endpoints) -> None:
        form = FILE.replace("{folder}", str(folder))
        self.gateway = PushedCity(LivingCity(name, folder, places), form=form)
        self.city, self.places, self.name = self.gateway.city, places, name
        ensure_topics(places.kafka, [name])
        self.bus = HubBus(name, places.kafka, self.city.wire)
        self.publisher = Publisher(name, "persons", bootstrap=places.kafka, wire=self.city.wire)
        self.accounts = {"nobody": ""}
        for who, about in PEOPLE.items():
            if about:
                role, more = about["role"], {one: said for one, said in about.items() if one != "role"}
                self.accounts[who], event = new_user(name, f"desk-{who}", role, now_ms=now_ms(), **more)
                self.publisher.publish(event)
        self.port = free_port()
        self.process: Any = None
        self.stream: EventStreamReader | None = None

    def start(self) -> None:
        """Start all stages and the gateway; return once the gateway knows its accounts."""
        with (self.city.folder / "run.log").open("ab") as log:
            words = ("run", str(self.city.file), "--quiet", "--web-port", str(self.port))
            self.process = self.city.start(*words, stderr=log)
        wait_until(lambda: self.status("police", "/cases") == 200, READY_S, 0.2)
        self.stream = EventStreamReader(
            self.gateway.port, f"/v1/{self.name}/events", self.accounts["everybody"]
        )

    def end(self) -> None:
        if self.stream is not None:
            self.stream.end()
        if self.process is not None:
            end(self.process)
        self.city.remove()

    def status(self, who: str, path: str) -> int | None:
        with suppress(OSError):
            return self.ask(who, "GET", f"/v1/{self.name}{path}")[0]
        return None

    def ask(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """The answer to an account, whatever it is."""
        sent = {"content_type": "application/json"}
        if self.accounts[who]:
            sent["authorization"] = f"Bearer {self.accounts[who]}"
        content = None if method in ("GET", "DELETE") else orjson.dumps(body or {})
        return self.gateway.ask(method, path, content, **sent)

    def case(self, method: str, path: str = "", body: Any = None) -> tuple[int, dict[str, Any]]:
        """The answer to the officer, of the routes of cases."""
        status, answer = self.ask("police", method, f"/v1/{self.name}/cases{path}", body)
        return status, orjson.loads(answer)

    def walk(self, first: int, cameras: int, since_ms: int) -> None:
        """Let the person be seen at so many cameras, three minutes apart."""
        places = [a_camera(name, at) for name, at in CAMERAS.items()] if first == 0 else []
        seen = [
            a_sighting(first + number, f"cam-{number + 1}", since_ms + (number + 1) * 3 * MINUTE_MS)
            for number in range(cameras)
        ]
        self.bus.put(whole([*places, *seen]))

    def body(self, number: str) -> dict[str, Any]:
        """A request for a case of somebody with dementia."""
        hour_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_ms() / 1000 - 3600))
        position = {"lat": LAT, "lon": LON, "accuracy_m": 20.0}
        traits = [*LOOKS.items(), (TRAIT.decode(), "stick")]
        return {
            "agency_case_no": f"canary-number-{number}",
            "ground": "dementia",
            "requester": "canary-unit",
            "area": AREA,
            "from_time": "2026-01-01T00:00:00Z",
            "until_time": "2199-01-01T00:00:00Z",
            "last_seen": {"seen_at": hour_ago, "position": position},
            "attributes": [{"name": name, "word": word} for name, word in traits],
            "photo_ref": "canary-photo",
        }

    def clear(self) -> list[str]:
        """The places at which something of a case stands readable: in files, in records as a reader gets them, in Redis."""
        topics = [one for one in self._topics() if one != f"{self.name}.cctv.person"]
        found = [f"file {path}" for path in self._files() if self._is_clear(path.read_bytes(), f"{path}")]
        for one in read_whole(self.places.kafka, topics):
            told = repr((one.key, one.headers)).encode() + (one.value or b"")
            found += [f"record {one.topic} {one.offset}"] if self._is_clear(told, one.topic) else []
        found += [f"redis {name!r}" for name, told in self._redis() if self._is_clear(told, "redis")]
        return found

    def _is_clear(self, told: bytes, place: str) -> bool:
        """Sightings stand readable in their own topic, which lives for hours, and nowhere else."""
        words = [CASE, TRAIT] if ".cctv.person" in place else [CASE, TRAIT, SIGHTED]
        return any(word in told for word in words)

    def _topics(self) -> list[str]:
        known = AdminClient({"bootstrap.servers": self.places.kafka}).list_topics(timeout=10).topics
        return sorted(one for one in known if one.startswith(f"{self.name}."))

    def _files(self) -> Iterator[Path]:
        """The broker's data of the city, and its own, where it runs here; Redis' dump; logs; and all that the city's
        processes keep: keys, spool, states."""
        for home in [home_folder(), *Path(tempfile.gettempdir()).glob("bongsu-*")]:
            data = home / "kafka" / "data"
            ours = [
                *data.glob(f"{self.name}.*"),
                *data.glob("__*"),
                *(home / one for one in ("redis", "logs")),
            ]
            yield from (one for folder in ours for one in folder.rglob("*") if one.is_file())
        yield from (one for one in self.city.folder.rglob("*") if one.is_file())

    def _redis(self) -> Iterator[tuple[bytes, bytes]]:
        """Each key of Redis, and what it holds, uncompressed."""
        with Redis.from_url(self.places.redis) as redis:
            redis.save()  # its file is one of those that are looked at
            for name in redis.scan_iter():
                kind = redis.type(name).decode()
                if kind == "string":
                    yield name, redis.get(name) or b""
                elif kind == "hash":
                    yield name, repr(redis.hgetall(name)).encode()
                elif kind == "zset":
                    yield name, repr(redis.zrange(name, 0, -1)).encode()
                elif kind == "set":
                    yield name, repr(redis.smembers(name)).encode()
                elif kind == "list":
                    yield name, repr(redis.lrange(name, 0, -1)).encode()
                else:
                    yield name, repr(redis.xrange(name)).encode()


@dataclass
class EventStreamReader:
    """Reads the stream of events of one account until its end, in a thread."""

    port: int
    path: str
    key: str
    told: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.request("GET", self.path, headers={"authorization": f"Bearer {self.key}"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(
            OSError, ValueError, http.client.HTTPException, AttributeError
        ):  # it is closed under its reader
            while line := self._answer.readline():
                self.told += line

    def end(self) -> None:
        with suppress(OSError):
            self._connection.close()

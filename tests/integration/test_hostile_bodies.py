"""Bodies made to break a reader: each is refused or set aside in time, others are not delayed, and memory stays bounded.

The seed is printed; ``BONGSU_SEED`` gives another.
"""

from __future__ import annotations

import http.client
import io
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import monotonic

import fastavro
import orjson
import psutil
import pytest

from connectors.formats.avro import name_of
from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from tests.a_gateway import EVENT_MS, Agency, PushedCity, in_batches, reports
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261123"))
EVERY = [word for name in ("reports", "cameras", "metadata", "plates", "rows") for word in ("--source", name)]
LONG_SHARE = 50
"""One body in so many has the greatest allowed length."""
ANSWER_S_MAX = 1.0
GROWTH_MAX = 400 << 20
"""The memory that the process may add: the bound on bodies at once is 64 MiB."""
NEIGHBOUR_S_MAX = 1.0
DRAINED_S = 120.0

XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 9))
    + b"]><tt:MetadataStream xmlns:tt='http://www.onvif.org/ver10/schema'>&a8;</tt:MetadataStream>"
)
XML_FILE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
FRAME = (
    b'<tt:Frame xmlns:tt="http://www.onvif.org/ver10/schema" UtcTime="2026-05-28T20:26:40Z"><tt:Object ObjectId="7">'
    b'<tt:Appearance><tt:Class><tt:Type Likelihood="0.75">Vehicle</tt:Type></tt:Class></tt:Appearance>'
    b"</tt:Object></tt:Frame>"
)


def a_report() -> bytes:
    return orjson.dumps(reports("x", 1)[0])


def an_avro_file() -> bytes:
    contract = load_catalogue()["police.incident"]
    value = fastavro_value()
    out = io.BytesIO()
    fastavro.writer(out, json.loads(json.dumps(contract.newest)), [value] * 3)
    return out.getvalue()


def fastavro_value() -> dict[str, object]:
    common = {
        "event_id": "e",
        "city": "",
        "source": "",
        "event_time_accuracy_s": None,
        "received_time": EVENT_MS,
    }
    more = {"incident_id": "i", "priority": None, "address": None, "closed_reason": None}
    place = {"lat": 36.5, "lon": 127.5, "accuracy_m": None}
    return {**reports("x", 1)[0], **common, **more, "position": place}


def single() -> bytes:
    contract = load_catalogue()["police.incident"]
    return name_of(contract.newest) + RowCodec(contract.newest).encode(fastavro_value())


def mutated(body: bytes, chance: Random) -> bytes:
    """*body* with bytes changed, doubled or left out."""
    out = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out))
        match chance.randrange(4):
            case 0:
                out[at] = chance.randrange(256)
            case 1:
                out[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 12)))
            case 2:
                del out[at : at + chance.randint(1, 20)]
            case _:
                out[at:at] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
        out = out or bytearray(b"x")
    return bytes(out)


Maker = Callable[[Random, int], bytes]
"""(random generator, length) → a body."""

MAKERS: dict[str, tuple[str, str, Maker]] = {
    "an XML bomb": ("metadata", "application/xml", lambda _c, _n: XML_BOMB),
    "an XML file of ours": ("metadata", "application/xml", lambda _c, _n: XML_FILE),
    "XML without end": ("metadata", "application/xml", lambda _c, n: b"<a>" * (n // 3)),
    "XML of many attributes": (
        "metadata",
        "application/xml",
        lambda _c, n: b"<a " + b" ".join(b'b%d="1"' % i for i in range(n // 12)) + b"/>",
    ),
    "a broken frame": ("metadata", "application/xml", lambda c, _n: mutated(FRAME, c)),
    "deep JSON": ("reports", "application/json", lambda _c, n: b"[" * (n // 2) + b"]" * (n // 2)),
    "deep objects": (
        "reports",
        "application/json",
        lambda _c, n: b'{"a":' * (n // 6) + b"1" + b"}" * (n // 6),
    ),
    "a huge number": ("reports", "application/json", lambda _c, n: b'{"event_time":' + b"9" * n + b"}"),
    "a huge exponent": ("reports", "application/json", lambda _c, _n: b'{"event_time":1e999999999}'),
    "many bad records": ("reports", "application/json", lambda _c, n: b"[" + b"{}," * (n // 3) + b"{}]"),
    "UTF-16": ("reports", "application/json", lambda _c, _n: a_report().decode().encode("utf-16")),
    "lone surrogates": (
        "reports",
        "application/json",
        lambda _c, _n: b'{"agency":"\\ud800","kind":"\\udfff"}',
    ),
    "CP949 as UTF-8": (
        "reports",
        "application/json",
        lambda _c, _n: '{"kind_text":"교통사고"}'.encode("cp949"),
    ),
    "a broken report": ("reports", "application/json", lambda c, _n: mutated(a_report(), c)),
    "a broken Avro file": ("reports", "avro/binary", lambda c, _n: mutated(an_avro_file(), c)),
    "a broken Avro record": ("reports", "avro/binary", lambda c, _n: mutated(single(), c)),
    "an Avro length that lies": (
        "reports",
        "avro/binary",
        lambda c, _n: single()[:10] + b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" + c.randbytes(20),
    ),
    "a CloudEvent that is none": (
        "reports",
        "application/cloudevents+json",
        lambda c, _n: mutated(a_report(), c),
    ),
    "a batch that is none": (
        "reports",
        "application/cloudevents-batch+json",
        lambda _c, n: b"[" + b"[]," * (n // 3) + b"1]",
    ),
    "rows of no encoding": (
        "rows",
        "text/csv",
        lambda c, n: b"no,time,what,lat,lon\n" + c.randbytes(min(n, 4_000)),
    ),
    "rows without end": ("rows", "text/csv", lambda _c, n: b'no,time,what,lat,lon\n"' + b"x," * (n // 2)),
    "plates of nobody": (
        "plates",
        "application/json",
        lambda c, _n: mutated(b'{"license":[{"#text":"12\xea\xb0\x803456"}]}', c),
    ),
    "noise": ("metadata", "application/octet-stream", lambda c, n: c.randbytes(min(n, 20_000))),
}


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path) -> Iterator[PushedCity]:
    made = PushedCity(LivingCity("hostile", tmp_path, cluster))
    try:
        yield made
    finally:
        made.stop()
        made.city.remove()


@pytest.mark.parametrize("bodies", [2_500, pytest.param(10_000, marks=pytest.mark.long)])
def test_thousands_of_hostile_bodies(city: PushedCity, bodies: int) -> None:
    key, neighbours_key = city.key(*EVERY), city.key("--source", "cameras")
    city.start()
    process = psutil.Process(city.process.pid)  # type: ignore[union-attr]  # it was started
    before, peak = process.memory_info().rss, 0
    neighbour = Neighbour(city, neighbours_key)
    chance, answers, slowest = Random(SEED), Counter[tuple[str, int]](), (0.0, "")
    connection = http.client.HTTPConnection("127.0.0.1", city.port, timeout=30)
    for number in range(bodies):
        name = chance.choice(list(MAKERS))
        source, media_type, make = MAKERS[name]
        body = make(chance, 4_000_000 if number % LONG_SHARE == 0 else chance.randint(10, 4_000))
        started = monotonic()
        path = f"/v1/{city.city.name}/sources/{source}"
        connection.request("POST", path, body, {"Content-Type": media_type, "Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        took = monotonic() - started
        slowest = max(slowest, (took, f"{name}, {len(body)} bytes"))
        answers[name, answer.status] += 1
        if number % 50 == 0:
            peak = max(peak, process.memory_info().rss)
    connection.close()
    neighbour.end()
    strange = {case: count for case, count in answers.items() if case[1] not in (202, 400, 413, 422)}
    assert set(strange) <= {(name, 503) for name in MAKERS}, f"answers that nobody foresaw: {strange}"
    seen = f"seed {SEED}: slowest {slowest}, memory {before >> 20} to {peak >> 20} MiB, neighbour {neighbour.slowest_s} s"
    assert slowest[0] < ANSWER_S_MAX, seen
    assert peak - before < GROWTH_MAX, seen
    assert neighbour.slowest_s < NEIGHBOUR_S_MAX, seen
    logging.getLogger(__name__).info(seen)
    wait_until(lambda: city.waiting() == 0, DRAINED_S)
    detections = city.city.values(
        "cctv.detection"
    )  # a frame with a wrong byte beside an object may hold a good one
    assert sum(one["source"] == "cameras" for one in detections) == neighbour.acknowledged > 0
    assert city.process is not None
    assert city.process.poll() is None
    log = (city.city.folder / "gateway.log").read_text()
    assert "Traceback" not in log, log


class Neighbour:
    """An agency that continues to push good bodies, and its longest wait."""

    def __init__(self, city: PushedCity, key: str) -> None:
        self.acknowledged = 0
        self.slowest_s = 0.0
        self._city, self._key = city, key
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._push)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    def _push(self) -> None:
        number = 0
        while not self._ends.is_set():
            number += 1
            seen = {
                "camera_id": "C-1",
                "label": "person",
                "confidence": 0.5,
                "event_time": EVENT_MS + number,
                "position": {"lat": 36.5, "lon": 127.5},
            }
            started = monotonic()
            status, told = self._city.push(self._key, "cameras", seen)
            self.slowest_s = max(self.slowest_s, monotonic() - started)
            assert status == 202, told
            self.acknowledged += 1
            self._ends.wait(0.02)


def test_what_is_set_aside_keeps_its_bytes_and_others_go_on(city: PushedCity) -> None:
    key = city.key()
    city.start()
    bad = {**reports("bad", 1)[0], "status": "얼추"}
    status, told = city.push(key, "reports", [*reports("good", 3), bad])
    assert (status, told["accepted"], told["refused"][0]["record"]) == (202, 3, 3)
    wait_until(lambda: city.waiting() == 0, DRAINED_S)
    (aside,) = city.city.values("source.dlq")
    assert (aside["original"], aside["source"], aside["field"]) == (orjson.dumps(bad), "reports", "status")
    assert len(city.city.values("police.incident")) == 3


def test_a_key_speaks_for_its_sources_until_it_is_revoked(city: PushedCity) -> None:
    key, other = city.key(), city.key("--source", "cameras")
    city.start()
    assert city.push(key, "reports", reports("a", 1))[0] == 202
    assert city.push(other, "reports", reports("b", 1))[0] == 403
    city.city.bongsu("key", "revoke", key.split("_")[1], "--city", str(city.city.file))
    wait_until(lambda: city.push(key, "reports", reports("c", 1))[0] == 401, 10)
    listed = city.city.bongsu("key", "list", "--city", str(city.city.file)).stdout
    assert "revoked" in listed
    assert key.split("_", 2)[2] not in listed


def test_an_agency_pushes_in_its_own_form(city: PushedCity) -> None:
    key = city.key(*EVERY)
    city.start()
    rows = "no,time,what,lat,lon\n26-1,2026-05-28T20:26:40Z,화재,36.5,127.5\n".encode("cp949")
    assert city.push(key, "rows", rows, content_type="text/csv")[0] == 202
    assert city.push(key, "metadata", FRAME, content_type="application/xml")[1]["accepted"] == 1
    agency = Agency(city, key, in_batches(reports("a", 10), 5))
    agency.thread.join()
    wait_until(lambda: city.waiting() == 0, DRAINED_S)
    (fire,) = city.city.values("fire.incident")
    assert (fire["agency_case_no"], fire["kind_text"]) == ("26-1", "화재")
    (seen,) = city.city.values("cctv.detection")
    assert (seen["camera_id"], seen["position_source"]) == ("C-1", "camera")
    assert len(city.city.values("police.incident")) == 10


def test_an_agency_whose_form_has_changed_is_stopped_and_goes_on_when_it_is_resumed(city: PushedCity) -> None:
    key = city.key()
    city.start()
    status, pushed = 202, 0
    while status == 202 and pushed < 20:
        pushed += 1
        bad = [{**one, "status": "얼추"} for one in reports(f"bad{pushed}", 60)]
        status, told = city.push(key, "reports", [*reports(f"good{pushed}", 40), *bad])
        wait_until(lambda: city.waiting() == 0 or _is_stopped(city), 10)
    assert status == 503, "a channel with three bad records of five went on"
    assert "stopped" in told["detail"]
    accepted = pushed - 1
    wait_until(lambda: city.waiting() == 0, 30)
    assert len(city.city.values("source.dlq")) == 60 * accepted, "what was accepted and is bad is set aside"
    assert len(city.city.values("police.incident")) == 40 * accepted
    city.city.bongsu("source", "resume", "reports", "--city", str(city.city.file))
    wait_until(lambda: not _is_stopped(city), 30)
    assert city.push(key, "reports", reports("again", 30))[0] == 202
    wait_until(lambda: len(city.city.values("police.incident")) == 40 * accepted + 30, 30)


def _is_stopped(city: PushedCity) -> bool:
    return bool(orjson.loads(city.ask("GET", "/readyz")[1])["sources"]["reports"]["stopped"])

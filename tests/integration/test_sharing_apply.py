"""Agencies of a secure cluster have what their agreements say, and nothing later than that."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, ResourcePatternType, ResourceType

from deploy.local.home import Home
from deploy.local.secure_home import admin_file, folder_of, principal_file
from deploy.rights import exactly, right
from deploy.settings import endpoints
from streams.runtime.security import Security, security_of
from tests.a_secure_home import a_secure_home
from tests.living_city import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.long]

TOPIC, OTHER = "demo.core.alert", "demo.core.grant"
WAIT_S = 8.0
USED_WRONGLY = 2
END_S = 60.0
"""No later than so many seconds after an agreement's end nothing is read and nothing is written."""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with a_secure_home(BONGSU_SHARING="sharing.toml") as made:
        bongsu("topics", "apply", "--city", "demo")
        yield made


def agree(home: Home, until: datetime) -> None:
    """Write the file: the hospital reads alerts and publishes observations until *until*."""
    told = '[city.demo]\nagencies = ["hospital"]\n'
    for may, of in (("read", '"core.alert"'), ("publish", '"civil.observation"')):
        told += (
            f'[[agreement]]\ncity = "demo"\nagency = "hospital"\nmay = "{may}"\ntopics = [{of}]\n'
            f'purpose = "disaster"\nlegal_ground = "a test"\nvalid_until = {until.isoformat()}\n'
        )
    (home.root / "sharing.toml").write_text(told, encoding="utf-8")


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def bongsu(*words: str, code: int = 0) -> str:
    done = started(*words)
    out, err = done.communicate(timeout=60)
    assert done.returncode == code, err
    return err if code == USED_WRONGLY else out


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def client(security: Security) -> dict[str, Any]:
    return {"bootstrap.servers": endpoints().kafka, "log_level": 0, **security.settings()}


def consumer(security: Security, topic: str, group: str = "demo.hospital.desk") -> Consumer:
    made = Consumer({**client(security), "group.id": group, "topic.metadata.refresh.interval.ms": 1_000})
    made.assign([TopicPartition(topic, 0, 0)])
    return made


def polled(reading: Consumer) -> int | None:
    """``None`` for a record, else the code of the error; nothing at all is a failure."""
    message = reading.poll(WAIT_S)
    assert message is not None
    return None if message.error() is None else message.error().code()


def known_as(reading: Consumer, topic: str) -> int | None:
    """The code of the refusal to tell of *topic*."""
    refused = reading.list_topics(topic, timeout=WAIT_S).topics[topic].error
    return None if refused is None else int(refused.code())


def committed(reading: Consumer) -> int | None:
    """The code of the error of a commit in its group; ``None`` where it is taken."""
    try:
        reading.commit(offsets=[TopicPartition(TOPIC, 0, 0)], asynchronous=False)
    except KafkaException as refused:
        return int(refused.args[0].code())
    return None


def written(security: Security, topic: str) -> int | None:
    found: list[KafkaError | None] = []
    producer = Producer({**client(security), "message.timeout.ms": int(WAIT_S * 1000)})
    producer.produce(topic, b"x", on_delivery=lambda error, _message: found.append(error))
    producer.flush(2 * WAIT_S)
    return None if found[0] is None else found[0].code()


def within(deadline_s: float, is_so: Callable[[], bool]) -> float:
    """The seconds until it is so."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < deadline_s
        time.sleep(0.1)
    return time.monotonic() - begun


def test_an_agency_has_its_agreement_and_its_open_connections_end_with_it(home: Home) -> None:
    agree(home, in_days(1))
    assert "add user demo.hospital" in bongsu("sharing", "diff", code=1)
    made = bongsu("sharing", "apply")
    assert "agreement 1 (line 3) until" in made
    assert bongsu("sharing", "diff") == ""
    for name in ("demo.hospital.toml", "demo.hospital.password"):
        assert stat.S_IMODE((folder_of(home) / name).stat().st_mode) == 0o600
    password = (folder_of(home) / "demo.hospital.password").read_text().strip()
    assert password not in made + (home.logs / "sharing.log").read_text()

    hospital = security_of(principal_file(home, "demo.hospital"))
    platform = security_of(principal_file(home, "demo.platform"))
    assert written(platform, TOPIC) is None
    assert written(hospital, "demo.civil.observation") is None
    assert written(hospital, TOPIC) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    narrow = ("subscription", "add", "demo", "desk", "--who", "hospital", "--sink", "json_lines")
    assert "agreement 1" in bongsu(*narrow, "--set", f"path={home.root / 'desk'}", code=2), "all contracts"
    assert bongsu("key", "add", "hospital", "--city", "demo", "--subscribe").startswith("bongsu_")
    foreign, reading = consumer(hospital, TOPIC, "demo.hospital-2.desk"), consumer(hospital, TOPIC)
    foreign.unassign()
    foreign.subscribe([TOPIC])
    try:
        assert known_as(reading, OTHER) == KafkaError.TOPIC_AUTHORIZATION_FAILED
        assert polled(foreign) == KafkaError.GROUP_AUTHORIZATION_FAILED
        assert polled(reading) is None
        within(WAIT_S, lambda: committed(reading) is None)
        seen = ends_with_its_agreement(home, hospital, platform, reading)
    finally:
        for one in (foreign, reading):
            one.close()
    print(f"nothing read nor written {seen:.1f} s after the end of the agreement")  # noqa: T201 (the figure)


def ends_with_its_agreement(home: Home, hospital: Security, platform: Security, reading: Consumer) -> float:
    """End the agreement under *reading*, which stays open; return after how many seconds nothing was read or written."""
    keeping = started("sharing", "apply", "--loop")
    try:
        end = datetime.now(UTC) + timedelta(seconds=6)
        agree(home, end)
        within(20, lambda: "principal=demo.hospital" in last_logged(home, "remove_user"))
        assert datetime.now(UTC) >= end, "not before its end"
        # a request for records that was let in before the end may be answered up to half a second after it
        within(
            END_S,
            lambda: (
                written(platform, TOPIC) is None and polled(reading) == KafkaError.TOPIC_AUTHORIZATION_FAILED
            ),
        )
        ended = (datetime.now(UTC) - end).total_seconds()
        assert ended < END_S
        assert written(platform, TOPIC) is None, "there is something to be read"
        assert not [one for _ in range(5) if (one := reading.poll(0.5)) is not None and one.error() is None]
        assert written(hospital, "demo.civil.observation") is not None
        within(20, lambda: "principal=demo.hospital" in last_logged(home, "revoke_key"))
    finally:
        keeping.send_signal(signal.SIGINT)
        _, told = keeping.communicate(timeout=20)
    assert keeping.returncode == 0
    assert "Traceback" not in told
    assert not principal_file(home, "demo.hospital").exists()
    return ended


def last_logged(home: Home, act: str) -> str:
    lines = (home.logs / "sharing.log").read_text().splitlines()
    return next((line for line in reversed(lines) if act in line), "")


def test_a_planted_right_is_shown_and_removed_and_others_stay(home: Home) -> None:
    agree(home, in_days(1))
    bongsu("sharing", "apply")
    administrator = AdminClient(client(security_of(admin_file(home))))
    of_agency, of_other = (
        right(ResourceType.TOPIC, OTHER, ResourcePatternType.LITERAL, f"User:{name}", AclOperation.READ)
        for name in ("demo.hospital", "mirror")
    )
    for made in administrator.create_acls([of_agency, of_other]).values():
        made.result()
    within(10, lambda: of_agency in administrator.describe_acls(exactly(of_agency)).result())
    (shown,) = map(orjson.loads, bongsu("sharing", "diff", "--json", code=1).splitlines())
    assert (shown["act"], shown["principal"], shown["name"]) == ("remove right", "demo.hospital", OTHER)
    assert shown["why"] == "no agreement covers it"
    bongsu("sharing", "apply")
    assert bongsu("sharing", "diff") == ""
    hospital = security_of(principal_file(home, "demo.hospital"))
    reading = consumer(hospital, OTHER)
    try:
        assert known_as(reading, OTHER) == KafkaError.TOPIC_AUTHORIZATION_FAILED
        assert known_as(reading, TOPIC) is None
    finally:
        reading.close()
    found = administrator.describe_acls(exactly(of_other)).result()
    assert list(found) == [of_other]

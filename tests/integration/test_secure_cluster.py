"""A secure home: what it runs is closed to whoever has no principal, and serves a city that has one."""

from __future__ import annotations

import os
import re
import secrets
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,
)
from redis import Redis
from redis.exceptions import NoPermissionError

from deploy.assembly.stages import free_port
from deploy.local import cluster as local
from deploy.local.home import Home
from deploy.local.secure_home import admin_file, folder_of, principal_file
from deploy.principals import grant
from deploy.settings import endpoints
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.registry_url import split_authority
from streams.match.native.secure_socket import opened
from streams.runtime.security import Security, security_of, use
from tests.a_secure_home import a_secure_home
from tests.living_city import ROOT, end, wait_until
from tests.living_city import answers as answers_ready

pytestmark = [pytest.mark.cluster, pytest.mark.long]

CITIES = ("demo", "houston")
PLANTED = ("registry", "redis", "demo.platform")
"""Names of the passwords that are planted: no text but their files may hold them."""
SAMPLE = ROOT / "deploy" / "samples" / "demo-calls-119.jsonl"
COMMAND_S = 120
WAIT_S = 8.0
REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    planted = {name: f"CANARY-{name}-{secrets.token_hex(16)}" for name in PLANTED}
    with a_secure_home(passwords=planted) as made:
        yield made


@pytest.fixture(scope="module")
def demo(home: Home) -> Security:
    """The principal of the demo's services, after both cities have one."""
    bongsu("topics", "apply", *(word for city in CITIES for word in ("--city", city)))
    return security_of(principal_file(home, "demo.platform"))


def bongsu(*words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def admin(security: Security | dict[str, Any], **more: Any) -> AdminClient:
    settings = security if isinstance(security, dict) else security.settings()
    return AdminClient({"bootstrap.servers": endpoints().kafka, "log_level": 0, **more, **settings})


def code_of(error: KafkaException) -> int:
    return int(error.args[0].code())


def gets_in(settings: dict[str, Any]) -> bool:
    try:
        return bool(admin(settings).list_topics(timeout=4).brokers)
    except KafkaException:
        return False


def secrets_of(home: Home) -> list[str]:
    return [one.read_text().strip() for one in sorted(folder_of(home).glob("*.password"))]


def test_nobody_gets_into_kafka_without_a_principal(home: Home, demo: Security) -> None:
    assert gets_in(demo.settings()), "else the refusals below say nothing"
    assert not gets_in({}), "without TLS"
    assert not gets_in({"security.protocol": "SSL", "ssl.ca.location": demo.ca}), "TLS without a proof"
    assert not gets_in({**demo.settings(), "sasl.password": "another"})
    assert not gets_in({**demo.settings(), "sasl.username": "nobody.platform"})
    for protocol in ("PLAIN", "SCRAM-SHA-256"):
        assert not gets_in({**demo.settings(), "sasl.mechanism": protocol})
    other = {one: value for one, value in demo.settings().items() if one != "ssl.ca.location"}
    assert not gets_in(other), "a broker of an unknown authority is not told the password"


@pytest.mark.parametrize("port", ["kafka-internal", "controller"])
def test_the_broker_s_own_listeners_want_a_certificate(home: Home, demo: Security, port: str) -> None:
    place = ("127.0.0.1", home.recall().ports[port])
    assert answers(place, security_of(admin_file(home)).context()), "else the refusal below says nothing"
    assert not answers(place, demo.context())


def answers(place: tuple[str, int], context: ssl.SSLContext) -> bool:
    """Whether a request for Kafka's versions is answered."""
    try:
        with (
            socket.create_connection(place, WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=place[0]) as made,
        ):
            made.sendall(bytes.fromhex("0000000b 0012 0000 00000001 0001 61".replace(" ", "")))
            return len(made.recv(8)) > 0
    except OSError:
        return False


def test_a_city_s_principal_has_no_right_to_another_city_s_names(demo: Security) -> None:
    client = admin(demo)
    refusals = []
    for doing in (
        client.create_topics([NewTopic("houston.core.more", 1, 1)])["houston.core.more"].result,
        client.create_topics([NewTopic("demofire", 1, 1)])["demofire"].result,
        client.delete_topics(["houston.core.alert"])["houston.core.alert"].result,
        lambda: read(demo, "houston.core.alert", "demo.reader"),
        lambda: join(demo, "houston.situations"),
        lambda: write(demo, "houston.core.alert"),
        lambda: Producer({**ours(demo), "transactional.id": "houston.ingest.calls"}).init_transactions(
            WAIT_S
        ),
    ):
        with pytest.raises(KafkaException) as refused:
            doing()
        refusals.append(code_of(refused.value))
    assert set(refusals) <= REFUSED, refusals
    read(demo, "demo.core.alert", "demo.reader")
    write(demo, "demo.source.dlq")
    known = client.list_topics(timeout=WAIT_S).topics
    assert known
    assert all(topic.startswith("demo.") for topic in known), "names of others' topics are not told"


def ours(security: Security) -> dict[str, Any]:
    return {"bootstrap.servers": endpoints().kafka, "log_level": 0, **security.settings()}


def read(security: Security, topic: str, group: str) -> None:
    consumer = Consumer({**ours(security), "group.id": group, "enable.partition.eof": True})
    try:
        if (refused := consumer.list_topics(topic, timeout=WAIT_S).topics[topic].error) is not None:
            raise KafkaException(refused)
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(WAIT_S)
        assert message is not None
        if (error := message.error()) is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
    finally:
        consumer.close()


def join(security: Security, group: str) -> None:
    consumer = Consumer({**ours(security), "group.id": group})
    try:
        consumer.subscribe(["demo.core.alert"])
        message = consumer.poll(WAIT_S)
        if message is not None and (error := message.error()) is not None:
            raise KafkaException(error)
    finally:
        consumer.close()


def write(security: Security, topic: str) -> None:
    producer, errors = Producer(ours(security)), []
    producer.produce(topic, b"x", on_delivery=lambda error, _message: errors.append(error))
    producer.flush(WAIT_S)
    if errors[0] is not None:
        raise KafkaException(errors[0])


def test_the_registry_wants_a_password_and_speaks_tls_alone(home: Home, demo: Security) -> None:
    url, authority = split_authority(endpoints().registry)
    login, _, where = url.removeprefix("https://").rpartition("@")
    host = where.partition("/")[0]
    user, _, password = login.partition(":")
    trust = ssl.create_default_context(cafile=authority)
    codes = [
        httpx.get(f"https://{page}", auth=auth, trust_env=False, verify=trust).status_code
        for page in (f"{where}/subjects", f"{host}/apis/registry/v3/groups")
        for auth in (None, (user, "another"), (user, password))
    ]
    assert codes == [401, 401, 200] * 2
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://{where}/subjects", auth=(user, password), trust_env=False)
    for stranger in (url, url.replace("127.0.0.1", "127.0.0.2")):
        with pytest.raises(Fatal, match="does not answer") as refused:
            Registry(stranger).registered("demo.core.alert")
        assert password not in str(refused.value)
    ours = Registry(endpoints().registry)
    assert ours.register("demo.core.alert", load_catalogue()["core.alert"]) > 0


def test_a_subscriber_s_user_reads_schemas_and_writes_none(home: Home, demo: Security) -> None:
    url, authority = split_authority(endpoints().registry)
    where = url.rpartition("@")[2]
    schema_id = Registry(endpoints().registry).register("demo.core.alert", load_catalogue()["core.alert"])
    reader = ("registry-reader", (folder_of(home) / "registry-reader.password").read_text().strip())
    with httpx.Client(
        auth=reader, trust_env=False, verify=ssl.create_default_context(cafile=authority)
    ) as client:
        assert client.get(f"https://{where}/schemas/ids/{schema_id}").status_code == 200
        subject, host = f"https://{where}/subjects/demo.core.alert-value", where.partition("/")[0]
        body = {"schema": '"string"'}
        codes = [
            client.post(f"{subject}/versions", json=body).status_code,
            client.post(f"https://{where}/subjects/new/versions", json=body).status_code,
            client.put(f"https://{where}/config", json={"compatibility": "NONE"}).status_code,
            client.delete(subject).status_code,
            client.post(f"https://{host}/apis/registry/v3/groups", json={"groupId": "g"}).status_code,
            client.request("PROPFIND", subject).status_code,
        ]
        assert set(codes) == {403}, codes


def test_redis_knows_each_city_s_services(home: Home, demo: Security) -> None:
    """The rights themselves are in test_redis_doors."""
    for city, other in (CITIES, CITIES[::-1]):
        use(principal_file(home, f"{city}.platform"))
        with Redis.from_url(endpoints().redis) as view:
            assert view.acl_whoami() == f"{city}.platform"
            assert view.exists(f"bongsu:{city}:view") in (0, 1)
            with pytest.raises(NoPermissionError):
                view.exists(f"bongsu:{other}:view")
    use(None)
    with Redis.from_url(endpoints().redis) as admin:
        assert admin.acl_whoami() == "bongsu"


def test_a_recording_is_played_and_its_situations_are_read_by_the_principal(
    home: Home, demo: Security
) -> None:
    told = bongsu("play", "demo", "--source", "calls-119", str(SAMPLE))
    found = bongsu("situation", "list", "demo", "--all", "--json")
    assert '"situation_id"' in found, told
    read(demo, "demo.core.situation", "demo.reader")
    known = secrets_of(home)
    assert len(known) == len(CITIES) + 3
    shown = [told, found, bongsu("status"), bongsu("status", "--json"), bongsu("doctor")]
    shown += [one.read_text(errors="replace") for one in home.logs.iterdir()]
    shown += ["\n".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert any(str(home.root) in one for one in shown[-500:])
    assert not [secret for secret in known for one in shown if secret in one]


def test_planted_secrets_are_shown_by_nothing_that_runs(
    home: Home, demo: Security, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A whole city runs, with an agency's key and a webhook that fails, while its pages, lists of processes and logs are
    searched."""
    for variable in ("BONGSU_PLATE_KEY", "BONGSU_DESK_SECRET"):
        monkeypatch.setenv(variable, f"CANARY-{variable}-{secrets.token_hex(16)}")
    planted = [os.environ["BONGSU_PLATE_KEY"], os.environ["BONGSU_DESK_SECRET"], *secrets_of(home)]
    planted += re.findall(r"bongsu_[\w.-]{20,}|[\w-]{32,}", bongsu("key", "add", "police", "--city", "demo"))
    hook = ("--set", "url=https://127.0.0.1:9/hook", "--secret-env", "BONGSU_DESK_SECRET")
    bongsu("subscription", "add", "demo", "desk", "--who", "police", *hook)
    assert sum("CANARY" in one for one in planted) == len(PLANTED) + 2
    assert len(planted) > len(CITIES) + 5, "the agency's key is one of them"
    log, port, shown = tmp_path / "run.log", free_port(), []
    words = ["run", "demo", "--web-port", str(port), "--log-file", str(log)]
    with (tmp_path / "run.err").open("wb") as errors:
        worker = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=errors,
            stderr=errors,
        )
    try:
        wait_until(lambda: answers_ready(port) or worker.poll() is not None, COMMAND_S)
        shown += [
            httpx.get(f"http://127.0.0.1:{port}/{page}", trust_env=False).text
            for page in ("metrics", "healthz", "readyz")
        ]
        shown += arguments(psutil.Process(worker.pid))
        shown += [bongsu("status"), bongsu("status", "--json"), bongsu("doctor")]
        shown += [bongsu("subscription", "list", "demo"), bongsu("key", "list", "--city", "demo")]
        shown += ["\n".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    finally:
        end(worker)
    written = [log, tmp_path / "run.err", *tmp_path.glob("run.log*"), *home.logs.iterdir()]
    shown += [one.read_text(errors="replace") for one in written]
    assert any("python_info{" in one for one in shown)
    assert any(str(home.root) in one for one in shown)
    assert "demo" in log.read_text()
    assert [(secret[:12], one[:80]) for secret in planted for one in shown if secret in one] == []


def arguments(process: psutil.Process) -> list[str]:
    """The arguments of a process and of all that it started."""
    found = [process, *process.children(recursive=True)]
    assert len(found) > 1, "the match runs beside"
    return [" ".join(one.cmdline()) for one in found]


def test_the_match_s_own_socket_proves_itself(home: Home, demo: Security) -> None:
    host, _, port = endpoints().kafka.partition(":")
    made, _ = opened((host, int(port)), demo, timeout_s=WAIT_S)
    made.close()
    wrong = Security(ca=demo.ca, principal=demo.principal, password="another")  # noqa: S106 (the wrong one)
    with pytest.raises(Fatal, match=r"denied access to demo\.platform") as refused:
        opened((host, int(port)), wrong, timeout_s=WAIT_S)
    assert "another" not in str(refused.value)


def test_the_files_are_their_owner_s_alone(home: Home, demo: Security) -> None:
    files = [*folder_of(home).iterdir(), home.folder("redis") / "users.acl"]
    files.append(home.folder("registry") / "config" / "application.properties")
    assert [one.name for one in files if stat.S_IMODE(one.stat().st_mode) != 0o600] == []
    assert stat.S_IMODE(folder_of(home).stat().st_mode) == 0o700


def test_a_start_again_keeps_principals_and_rights(home: Home, demo: Security) -> None:
    local.down(home.root)
    local.up(home.root)
    assert home.recall().secure, "without --secure too"
    assert gets_in(demo.settings())
    assert not gets_in({})
    assert grant(["demo"]) == 1


def test_a_home_that_runs_open_is_not_called_secure(tmp_path: Path, home: Home) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BONGSU_KAFKA", "127.0.0.1:1")
        with pytest.raises(Fatal, match="not ours to secure"):
            local.up(tmp_path / "other", secure=True)
    assert not Home(tmp_path / "other").recall().secure

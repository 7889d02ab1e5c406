"""The gateway ends TLS itself where it has a certificate, and speaks nothing else then. It needs no Kafka for that."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.assembly.gateway_place import demand_closed, gateway_url
from deploy.assembly.gateway_socket import server_of
from deploy.assembly.stages import free_port
from deploy.city.city import load_city
from deploy.city.gateway_file import GatewayFile
from deploy.local.authority import make_authority, make_certificate
from deploy.local.home import Home, Remembered
from schemas.errors import Fatal
from tests.living_city import ROOT, end, wait_until

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    make_authority(made / "ca.crt", made / "ca.key", now=NOW)
    for name in ("gateway", "other"):
        make_certificate(
            made / f"{name}.pem",
            name,
            authority=made / "ca.crt",
            key=made / "ca.key",
            now=NOW,
            is_client=False,
        )
    return made


def environment(home: Path) -> dict[str, str]:
    nowhere = "127.0.0.1:1"
    places = {"BONGSU_REGISTRY": f"http://{nowhere}", "BONGSU_REDIS": f"redis://{nowhere}"}
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "BONGSU_HOME": str(home),
        "BONGSU_KAFKA": nowhere,
        "BONGSU_PLATE_KEY": "0123456789abcdef",
        **places,
    }


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", "run", "demo", "--stage", "gateway", *words]


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    port = free_port()
    tls = ("--tls-certificate", str(folder / "gateway.pem"), "--tls-key", str(folder / "gateway.pem"))
    process = subprocess.Popen(
        command("--web-port", str(port), "--quiet", *tls), env=environment(folder / "home")
    )
    try:
        wait_until(lambda: process.poll() is not None or asked(port, trust(folder)) == 200, 60, every_s=0.1)
        yield port
    finally:
        end(process)


def trust(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "ca.crt")


def asked(port: int, context: ssl.SSLContext, *, page: str = "healthz", **headers: str) -> int:
    try:
        url = f"https://127.0.0.1:{port}/{page}"
        return httpx.get(url, verify=context, trust_env=False, headers=headers).status_code
    except httpx.HTTPError:
        return 0


def test_it_answers_by_tls_alone(folder: Path, port: int) -> None:
    assert asked(port, trust(folder)) == 200
    assert asked(port, trust(folder), page="metrics") == 200
    assert asked(port, trust(folder), page="metrics", **{"X-Forwarded-For": "10.0.0.9"}) == 401
    assert asked(port, ssl.create_default_context()) == 0, "an authority that did not sign it"
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)


@pytest.mark.parametrize(
    ("certificate", "key"), [("ca.crt", "other"), ("ca.key", "ca.key"), ("none", "none")]
)
def test_files_that_cannot_serve_are_refused(folder: Path, certificate: str, key: str) -> None:
    about = GatewayFile(tls_certificate=str(folder / certificate), tls_key=str(folder / key))
    with pytest.raises(Fatal, match="cannot be used") as refused:
        server_of(FastAPI(), about, 1)
    assert "PRIVATE" not in str(refused.value)


def test_a_certificate_without_its_key_is_refused(folder: Path) -> None:
    words = command("--tls-certificate", str(folder / "gateway.pem"))
    done = subprocess.run(
        words, env=environment(folder / "home-2"), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "belong together" in done.stderr) == (2, True), done.stderr
    with pytest.raises(ValueError, match="belong together"):
        GatewayFile(tls_key="key.pem")


def test_a_secure_home_s_gateway_does_not_listen_beyond_loopback_without_tls(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    monkeypatch.delenv("BONGSU_KAFKA", raising=False)
    pem = str(folder / "gateway.pem")
    city = load_city("demo")
    everywhere = city.listening("0.0.0.0", None)  # noqa: S104 (it is refused)
    demand_closed(everywhere)
    Home(tmp_path).remember(Remembered(ports={"kafka": 1}, secure=True))
    with pytest.raises(Fatal, match="plain text from any network"):
        demand_closed(everywhere)
    demand_closed(everywhere.listening(None, None, (pem, pem)))
    demand_closed(city)
    assert gateway_url(everywhere.listening(None, 9, (pem, pem))) == "https://0.0.0.0:9"

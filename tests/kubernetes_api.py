"""Kubernetes' own API server with etcd, started for a test, and the rendered folders as it takes them.

No controller and no kubelet run: it says whether a cluster takes an object, not whether a pod runs.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.assembly.stages import free_port
from tests.kubernetes_build import API_SERVER, ETCD, programs
from tests.living_city import end

Object = dict[str, Any]

TOKEN = "of-this-test-alone"  # noqa: S105 (a server that lives as long as the test)
START_S = 60.0
PLURALS = {
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "Kafka": "kafkas",
}
CLUSTER_WIDE = ("Namespace", "CustomResourceDefinition")


@cache
def resolved(folder: Path) -> list[Object]:
    """The objects of a folder for Kustomize, in their order: its ``kustomization.yaml`` may have nothing but resources.

    They are read once: copy one before you change it.
    """
    (whole,) = documents(folder / "kustomization.yaml")
    assert set(whole) == {"apiVersion", "kind", "resources"}, folder
    found: list[Object] = []
    for name in whole["resources"]:
        place = folder / name
        found += resolved(place.resolve()) if place.is_dir() else documents(place)
    return found


def documents(file: Path) -> list[Object]:
    return [one for one in yaml.load_all(file.read_bytes(), yaml.CSafeLoader) if one]


def path_of(one: Mapping[str, Any]) -> str:
    """The path of an object at the API."""
    kind, name, api = one["kind"], one["metadata"]["name"], one["apiVersion"]
    root = f"/api/{api}" if api == "v1" else f"/apis/{api}"
    space = "" if kind in CLUSTER_WIDE else f"/namespaces/{one['metadata']['namespace']}"
    return f"{root}{space}/{PLURALS.get(kind, kind.lower() + 's')}/{name}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Object
    warnings: tuple[str, ...]

    @property
    def is_taken(self) -> bool:
        return self.status in (200, 201) and not self.warnings

    @property
    def what(self) -> str:
        return f"{self.status} {self.body.get('message', '')} {' '.join(self.warnings)}"


class KubernetesApi:
    """Requests to the API, with unknown and doubled fields refused."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def apply(self, one: Object) -> Answer:
        """Apply *one* as ``kubectl apply --server-side`` does."""
        return self._ask(
            "PATCH",
            path_of(one),
            {"fieldManager": "bongsu-test", "fieldValidation": "Strict", "force": "true"},
            one,
            "application/apply-patch+yaml",
        )

    def try_pod(self, template: Mapping[str, Any], namespace: str) -> Answer:
        """Ask whether a pod of *template* would be admitted. Nothing is kept."""
        body = {"apiVersion": "v1", "kind": "Pod", **template}
        body["metadata"] = {**template["metadata"], "name": "tried"}
        path = f"/api/v1/namespaces/{namespace}/pods"
        words = {"dryRun": "All", "fieldValidation": "Strict"}
        return self._ask("POST", path, words, body, "application/yaml")

    def define(self, definitions: Iterable[Object], *, within_s: float = START_S) -> None:
        """Apply *definitions*, and return once the API serves them."""
        paths = []
        for one in definitions:
            answer = self.apply(one)
            assert answer.status in (200, 201), answer.what
            paths.append(path_of(one))
        deadline = time.monotonic() + within_s
        while not all(self._is_established(path) for path in paths):
            assert time.monotonic() < deadline, "the definitions are not served"
            time.sleep(0.1)

    def _is_established(self, path: str) -> bool:
        conditions = self._client.get(path).json().get("status", {}).get("conditions") or []
        return ("Established", "True") in {(one["type"], one["status"]) for one in conditions}

    def _ask(self, method: str, path: str, words: Mapping[str, str], body: Object, form: str) -> Answer:
        text = json.dumps(body)  # which is YAML, too
        reply = self._client.request(
            method, path, params=dict(words), content=text.encode(), headers={"Content-Type": form}
        )
        return Answer(reply.status_code, reply.json(), tuple(reply.headers.get_list("Warning")))


@contextmanager
def kubernetes(folder: Path) -> Iterator[KubernetesApi]:
    """Start both programs in *folder*; end them after use."""
    etcd, peer, secure = free_port(), free_port(), free_port()
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL)
    (folder / "sa.key").write_bytes(key.private_bytes(*form, serialization.NoEncryption()))
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
    with ExitStack() as running:
        for words in (_etcd(folder, etcd, peer), _server(folder, etcd, secure)):
            log = running.enter_context((folder / f"{Path(words[0]).name}.log").open("wb"))
            process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, start_new_session=True)
            running.callback(end, process)
        certificate = folder / "certificates" / "apiserver.crt"  # its key is written after it
        _wait(certificate.with_suffix(".key").is_file, process, folder)
        trusted = ssl.create_default_context(cafile=str(certificate))
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{secure}",
            verify=trusted,
            trust_env=False,
            timeout=30,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        running.enter_context(client)
        _wait(lambda: _is_ready(client), process, folder)
        yield KubernetesApi(client)


def _etcd(folder: Path, port: int, peer: int) -> list[str]:
    own, others = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    words = [str(programs() / ETCD), "--data-dir", str(folder / "data"), "--unsafe-no-fsync"]
    words += ["--listen-client-urls", own, "--advertise-client-urls", own]
    words += ["--listen-peer-urls", others, "--initial-advertise-peer-urls", others]
    return [*words, "--initial-cluster", f"default={others}"]


def _server(folder: Path, etcd: int, port: int) -> list[str]:
    key = str(folder / "sa.key")
    return [
        str(programs() / API_SERVER),
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={key}",
        f"--service-account-key-file={key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
    ]


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _wait(is_so: Any, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / f"{API_SERVER}.log").read_text("utf-8", "replace")
            raise AssertionError(f"the API server does not start: {log[-2_000:]}")
        time.sleep(0.1)

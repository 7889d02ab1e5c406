"""A schema registry in memory, on loopback: the part of Confluent's API that we use. It refuses nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


@dataclass
class Shelf:
    """The registry's contents. *broken*: a status for every response."""

    url: str = ""
    schemas: list[str] = field(default_factory=list)
    subjects: dict[str, list[int]] = field(default_factory=dict)
    compatibility: dict[str, str] = field(default_factory=dict)
    broken: int | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, said: dict[str, Any]) -> tuple[int, Any]:  # noqa: PLR0911 (a return a path)
        self.asked.append(f"{method} {path}")
        if self.broken:
            return self.broken, {"error_code": self.broken, "message": "no"}
        match method, path.split("?", maxsplit=1)[0].strip("/").split("/"):
            case "PUT", ["config", subject]:
                self.compatibility[subject] = said["compatibility"]
                return 200, said
            case "GET", ["config", subject] if subject in self.compatibility:
                return 200, {"compatibilityLevel": self.compatibility[subject]}
            case "POST", ["subjects", subject, "versions"]:
                return 200, {"id": self._add(subject, said["schema"])}
            case "POST", ["subjects", subject]:
                return self._look_up(subject, said["schema"])
            case "GET", ["subjects", subject, "versions"] if subject in self.subjects:
                return 200, list(range(1, len(self.subjects[subject]) + 1))
            case "GET", ["subjects", subject, "versions", number] if subject in self.subjects:
                schema_id = self.subjects[subject][int(number) - 1]
                schema = self.schemas[schema_id - 1]
                return 200, {"subject": subject, "version": int(number), "id": schema_id, "schema": schema}
            case "GET", ["schemas", "ids", number] if int(number) <= len(self.schemas):
                return 200, {"schema": self.schemas[int(number) - 1]}
            case "GET", ["config", _]:
                return 404, {"error_code": 40408, "message": "no setting"}
            case "GET", ["schemas", *_]:
                return 404, {"error_code": 40403, "message": "no schema"}
        return 404, {"error_code": 40401, "message": "no subject"}

    def _add(self, subject: str, schema: str) -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        schema_id = self.schemas.index(schema) + 1
        held = self.subjects.setdefault(subject, [])
        if schema_id not in held:
            held.append(schema_id)
        return schema_id

    def _look_up(self, subject: str, schema: str) -> tuple[int, Any]:
        if subject not in self.subjects:
            return 404, {"error_code": 40401, "message": "no subject"}
        schema_id = self.schemas.index(schema) + 1 if schema in self.schemas else 0
        if schema_id not in self.subjects[subject]:
            return 404, {"error_code": 40403, "message": "no schema"}
        version = self.subjects[subject].index(schema_id) + 1
        return 200, {"subject": subject, "version": version, "id": schema_id, "schema": schema}


@contextmanager
def a_registry() -> Iterator[Shelf]:
    shelf = Shelf()

    class Answer(BaseHTTPRequestHandler):
        def _speak(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            said = json.loads(self.rfile.read(length)) if length else {}
            status, value = shelf.answer(self.command, unquote(self.path), said)
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _speak  # noqa: N815 (http.server names them so)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as above)
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shelf
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

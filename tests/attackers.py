"""Hostile callers, as a process of their own.

``python -m tests.attackers PORT CITY KEY OTHER_KEY FIRST LAST SILENT HEAD BODIES``: from
127.0.0.FIRST to LAST.
Ends when the head and the hostile bodies are sent; prints the responses as a line of JSON.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.integration.test_hostile_bodies import LONG_SHARE, MAKERS

SEED = 20261129
STALLED = 16
BODY_BYTES = 4 << 20


@dataclass
class Attack:
    port: int
    city: str
    key: str
    other_key: str
    first: int
    last: int
    answers: Counter[str] = field(default_factory=Counter)
    ends: threading.Event = field(default_factory=threading.Event)

    def address(self, number: int) -> str:
        return f"127.0.0.{self.first + number % (self.last - self.first + 1)}"

    def connected(self, number: int) -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=30, source_address=(self.address(number), 0)
        )

    def silent(self, count: int) -> None:
        """Open *count* connections that send nothing, and open them again as soon as they are closed."""
        held: list[socket.socket] = []
        number = 0
        while not self.ends.is_set():
            with suppress(OSError):
                held.append(self.connected(number))
            number += 1
            if len(held) > count:
                held.pop(0).close()
            if number % count == 0:
                self.ends.wait(0.5)
        self.answers["silent"] = number
        for one in held:
            one.close()

    def long_head(self, size: int) -> None:
        sent = 0
        while sent < size:
            with suppress(OSError), self.connected(1) as made:
                made.sendall(b"POST / HTTP/1.1\r\na: ")
                while sent < size:
                    sent += made.send(b"b" * 65_536)
            sent += 65_536
            self.answers["heads"] += 1

    def stalled(self, number: int) -> None:
        """Send all of a body but its last byte, again and again."""
        head = self._head("reports", "application/json", BODY_BYTES)
        while not self.ends.is_set():
            with suppress(OSError), self.connected(number) as made:
                made.sendall(head + b" " * (BODY_BYTES - 1))
                made.settimeout(5)
                self.answers[f"stalled {made.recv(100)[9:12].decode()}"] += 1
            self.ends.wait(0.2)

    def hostile(self, count: int) -> None:
        chance = Random(SEED)
        for number in range(count):
            source, media_type, make = MAKERS[chance.choice(list(MAKERS))]
            body = make(chance, 4_000_000 if number % LONG_SHARE == 0 else chance.randint(10, 4_000))
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=60, source_address=(self.address(number), 0)
                )
                headers = {"Content-Type": media_type, "Authorization": f"Bearer {self.other_key}"}
                connection.request("POST", f"/v1/{self.city}/sources/{source}", body, headers)
                self.answers[f"hostile {connection.getresponse().status}"] += 1
                connection.close()

    def _head(self, source: str, media_type: str, size: int) -> bytes:
        return (
            f"POST /v1/{self.city}/sources/{source} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: {media_type}\r\ncontent-length: {size}\r\n\r\n"
        ).encode()

    def run(self, silent: int, head_bytes: int, bodies: int) -> None:
        long = [
            threading.Thread(target=self.silent, args=(silent,)),
            *(threading.Thread(target=self.stalled, args=(number,)) for number in range(STALLED)),
        ]
        short = [
            threading.Thread(target=self.long_head, args=(head_bytes,)),
            threading.Thread(target=self.hostile, args=(bodies,)),
        ]
        for one in [*long, *short]:
            one.start()
        for one in short:
            one.join()
        self.ends.set()
        for one in long:
            one.join()


def main() -> None:
    port, city, key, other_key, first, last, silent, head_bytes, bodies = sys.argv[1:]
    attack = Attack(int(port), city, key, other_key, int(first), int(last))
    attack.run(int(silent), int(head_bytes), int(bodies))
    print(json.dumps(attack.answers))  # noqa: T201 (this process's output)


if __name__ == "__main__":
    main()

"""Clients of a console's protocol without a browser: each reads the list once, then the event stream, and asks for a pulse.

Run by the benchmark of the console, as a process of its own. It ends when its input ends, and prints each client's events.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import httpx

PULSE_S = 5.0


async def client(http: httpx.AsyncClient, city: str, seen: list[int], number: int) -> None:
    await http.get(f"/v1/{city}/situations?limit=500&status=open&status=dispatched&status=arrived")
    path = f"/v1/{city}/events?contract=core.situation,core.alert,core.grant"
    async with http.stream("GET", path, timeout=None) as stream:
        async for part in stream.aiter_bytes():
            seen[number] += part.count(b"\nevent: ") + part.startswith(b"event: ")


async def pulse(http: httpx.AsyncClient) -> None:
    while True:
        await asyncio.sleep(PULSE_S)
        await http.get("/healthz")


async def main(root: str, city: str, key: str, count: int) -> None:
    seen = [0] * count
    limits = httpx.Limits(max_connections=4 * count)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=root, headers=headers, limits=limits, timeout=30) as http:
        tasks = [asyncio.create_task(client(http, city, seen, number)) for number in range(count)]
        tasks += [asyncio.create_task(pulse(http)) for _ in range(count)]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
    print(*seen)  # noqa: T201 (the result)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))

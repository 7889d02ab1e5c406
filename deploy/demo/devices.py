"""The devices in the demo's city file, and what they and agencies say, sent by MQTT or to the gateway."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.gateway_place import gateway_url
from deploy.assembly.stages import free_port
from deploy.city.city import City
from deploy.demo import field, ground, island, river
from deploy.demo.field import ROUND_S, Said
from deploy.demo.island_desk import DISPATCHERS, IslandDesk, desk_running, key_of_dispatcher
from deploy.demo.island_speaking import chargers_running, chargers_text
from deploy.demo.lanes import lanes
from deploy.demo.play import has_members
from deploy.platform import Platform
from deploy.telling import tell
from streams.log import log

OCTETS = "application/octet-stream"
FILE = Path(__file__).with_name("devices.toml")
SECRET = "BONGSU_DEMO_PLATE_KEY"  # noqa: S105 - the name of a variable
RID_SECRET = "BONGSU_RID_KEY"  # noqa: S105 - the name of a variable
RECEIVERS = f"""
[[source]]
name = "remote-id"
type = "remote_id"
push = true
key = "${{{RID_SECRET}}}"
receiver = "mast-1"
"""
FORMS = {"buses": "text/csv", "remote-id": OCTETS, "patrol-link": OCTETS, "patrol-video": OCTETS}
ISLAND_FORMS = {"buses": OCTETS, "chargers-ocpp": "text/csv", "warnings": "application/xml"}
"""The media type of what a source takes, where it is no JSON; and the same on the island."""
READY_S, SEND_S, AGAIN_S = 90, 5, 0.5
ACCEPTED = 202
NOT_YET = (None, 401, 503)
"""Nobody listens yet, the key is not heard of yet, or the spool is full for now."""
MQTT_TYPES = "onvif-mj"


@contextmanager
def broker_running(folder: Path) -> Iterator[int | None]:
    """Run a broker of our own on loopback; ``None`` where none is installed."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    command = [
        "/bin/sh",
        "-c",
        '"$0" -c "$1" >/dev/null 2>&1 & cat >/dev/null; kill $!',
        program,
        str(settings),
    ]
    # the shell ends the broker when its standard input ends: with us, however we end
    broker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield port
    finally:
        broker.communicate()


class Script(Protocol):
    """The messages of a simulated city: those before anything happens, and those of each round."""

    def setup(self, seed: int, now_ms: int) -> list[Said]: ...
    def a_round(self, seed: int, number: int, start_ms: int) -> list[Said]: ...


class Devices:
    """The devices of one seed, by way of the gateway and of a broker of MQTT, where there is one at the port *broker*."""

    script: Script = field
    forms: Mapping[str, str] = FORMS

    def __init__(self, seed: int, broker: int | None) -> None:
        self._seed, self._broker = seed, broker

    def text(self) -> str:
        """The part of the city's file that names them. Their secret stands in the environment from then on."""
        os.environ.setdefault(SECRET, secrets.token_hex(16))
        cameras: dict[str, list[str]] = defaultdict(list)
        for lane in lanes(self._seed):
            for source, camera, (lat, lon) in lane.cameras():
                cameras[source].append(f"{camera} = {{ lat = {lat}, lon = {lon} }}")
        text = FILE.read_text(encoding="utf-8").replace("#way\n", f"{self._way()}\n")
        spots = (
            f"{{ lat = {at[0]}, lon = {at[1]}, radius_m = 300 }}"
            for at in (one.underpass for one in lanes(self._seed))
        )
        text = text.replace("#underpass\n", f"[{', '.join(spots)}]\n")
        for source, its in cameras.items():
            text = text.replace(f"#{source}\n", f"{{ {', '.join(its)} }}\n")
        return text

    def _way(self) -> str:
        if self._broker is None:
            return "push = true"
        return f'mqtt = {{ host = "127.0.0.1", port = {self._broker}, topics = ["+/{MQTT_TYPES}/#"] }}'

    def heard(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        """Answers of the gateway to them since the last call: a name, the answer, the request."""
        return iter(())

    def placed(self, text: str, folder: Path) -> str:
        """The city's file *text* with them in it; files that it names are written into *folder*."""
        return f"{text}\n{self.text()}\n"

    def ground_text(self, folder: Path) -> str:
        """Write the ground that the map shows into *folder*; the part of the city's file that names it."""
        return ground.ground_text(folder, self._seed)

    @contextmanager
    def sending(self, city: City, platform: Platform, key: str) -> Iterator[None]:
        """Send, in a thread, what they say, round after round, with *key* to the city's gateway.

        The first round begins when the city's match reads, which starts last: what cameras see counts at once.
        """
        over = threading.Event()
        url = f"{gateway_url(city)}/v1/{city.name}/sources"
        is_ready = partial(has_members, platform.kafka, f"{city.name}.match")
        sender = _Sender(url, key, self._broker, is_ready, over, self.script, self.forms)
        thread = threading.Thread(target=sender.run, args=(self._seed,), name="devices", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(SEND_S + 1)


class RiverDevices(Devices):
    """The drones, cameras and agencies of the simulated Mukdahan, whose file names them all."""

    script = river

    def text(self) -> str:
        os.environ.setdefault(RID_SECRET, secrets.token_hex(16))
        return RECEIVERS

    def ground_text(self, folder: Path) -> str:
        return river.ground_text(folder)


class IslandDevices(Devices):
    """The feeds, operators and agencies of the simulated Jeju, whose file names them, its chargers and its dispatchers."""

    script = island
    forms = ISLAND_FORMS
    _desk: IslandDesk | None = None

    def text(self) -> str:
        return island.joined_text()

    def ground_text(self, folder: Path) -> str:
        return island.ground_text(folder)

    def heard(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        return iter(()) if self._desk is None else self._desk.heard()

    def placed(self, text: str, folder: Path) -> str:
        return f"{island.shorter(text)}\n{self.text()}\n{chargers_text(folder, free_port())}\n"

    @contextmanager
    def sending(self, city: City, platform: Platform, key: str) -> Iterator[None]:
        tell(island.SHORTER_TOLD, err=True)
        keys = [key_of_dispatcher(platform, city, name) for name in DISPATCHERS]
        with (
            desk_running(city, keys) as self._desk,
            chargers_running(city, self._seed),
            super().sending(city, platform, key),
        ):
            yield


def bridged(said: Said) -> bytes:
    """*said*, as a bridge hands on what came by MQTT."""
    return b'{"topic":"%s","payload":%s}' % ((said.topic or "").encode(), said.body)


class _Sender:
    """Sends rounds until *over*; the first begins when *is_ready*."""

    def __init__(
        self,
        url: str,
        key: str,
        broker: int | None,
        is_ready: Callable[[], bool],
        over: threading.Event,
        script: Script,
        forms: Mapping[str, str],
    ) -> None:
        self._gateway = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=SEND_S, trust_env=False
        )
        self._is_ready, self._over, self._script, self._forms = is_ready, over, script, forms
        self._mqtt: paho.Client | None = None
        if broker is not None:
            self._mqtt = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
            self._mqtt.connect_async("127.0.0.1", broker)
            self._mqtt.loop_start()

    def run(self, seed: int) -> None:
        for said in self._script.setup(seed, wall_clock_ms()):
            self._send(said, READY_S)  # the gateway may still be starting
        until_s = time.monotonic() + READY_S
        while not self._over.wait(AGAIN_S) and not self._is_ready() and time.monotonic() < until_s:
            pass
        number = 0
        while not self._over.is_set():
            start_ms = wall_clock_ms()
            for said in self._script.a_round(seed, number, start_ms):
                if self._over.wait(max(0.0, (start_ms + said.after_s * 1000 - wall_clock_ms()) / 1000)):
                    break
                self._send(said, SEND_S)
            number += 1
            self._over.wait(max(0.0, (start_ms + ROUND_S * 1000 - wall_clock_ms()) / 1000))
        self._gateway.close()
        if self._mqtt is not None:
            self._mqtt.disconnect()
            self._mqtt.loop_stop()

    def _send(self, said: Said, for_s: float) -> None:
        """Send *said*; try again for so long while nobody takes it. What is refused is logged, and left out."""
        if said.topic is not None and self._mqtt is not None:
            self._mqtt.publish(said.topic, said.body, qos=1)
            return
        until_s = time.monotonic() + for_s
        body = said.body if said.topic is None else bridged(said)
        form = self._forms.get(said.source, "application/json")
        status = None
        while not self._over.is_set():
            with suppress(httpx.TransportError):  # the gateway is starting, or busy
                status = self._gateway.post(
                    said.source, content=body, headers={"Content-Type": form}
                ).status_code
            if status == ACCEPTED:
                return
            if status not in NOT_YET or time.monotonic() > until_s:
                log.warning("the gateway did not take what a device sent", source=said.source, status=status)
                return
            self._over.wait(AGAIN_S)

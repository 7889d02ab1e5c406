"""Remote ID of drones as radios hear it: captures of Wi-Fi and Bluetooth frames (pcap, pcapng).

Each Location message becomes a ``drone.position``. The other messages of the same transmitter fill it: its id and type, its
operator's registration and place. The transmitter's address is hashed with ``key`` and the day before anything leaves
``read``, and what is set aside holds Remote ID's own bytes alone, never a frame's: it cannot be fed again. Captures hold
clear addresses: give them the same care as the key.

- A message says tenths of a second since the hour: the time is the nearest such to the frame's. One that would lie more
  than five minutes ahead, or that stays while the drone moves, is a fault, ``timestamp``: then the time of the frame counts,
  and the age is not known.
- A frame that is no newer than its transmitter's last of an earlier body is left out and counted, so a capture that grows
  gives each frame once.
- The text of a Self-ID and the area of a System message are not told: no field holds them.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, SecretStr

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.open_drone_id import (
    LocationMessage,
    decode,
    location_ms,
    messages_of,
)
from connectors.formats.pcap import CapturedFrame, capture_of
from connectors.formats.records import plausible_time, position, set_aside
from connectors.formats.remote_id_frames import Advertisement, advertisements
from connectors.sources._remote_id_senders import Sender, Senders
from connectors.subjects.drone_ids import NONE, DroneId, best_of, transmitter_hash, transmitter_key
from connectors.subjects.drone_reports import report_drone
from connectors.subjects.plausible import FUTURE_MS_MAX
from connectors.subjects.vehicles import Telemetry
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from schemas.errors import Invalid

NS_OF_MS = 1_000_000
HEADING_BYTES = 4
FOREIGN, OLDER, CUT = "frame without Remote ID", "frame heard before", "frame cut or of another kind"


class Config(PageOrFileSettings):
    """Settings of a source of type ``remote_id``. Without url and path it is only played or pushed."""

    key: SecretStr = Field(
        description="hashes transmitters' addresses: ${NAME} of a secret of 16 bytes or more, one for all of the city"
    )
    receiver: str | None = Field(None, min_length=1, max_length=64, description="the radio that hears them")


def masked(original: bytes) -> bytes:
    """*original*, which is no capture, without what might hold an address: text stays, of other bytes the first four."""
    try:
        original.decode("ascii")
    except UnicodeDecodeError:
        return original[:HEADING_BYTES] + b"*" * len(original[HEADING_BYTES:])
    return original


class RemoteId:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._receiver = context, config.receiver
        self._key = transmitter_key(config.key.get_secret_value(), f"source {context.source!r}")
        self._asked = PageOrFile(context.source, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        try:
            capture = capture_of(heard.body)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(masked(heard.body), error)])
        if not capture.frames and capture.fault is None:
            return Reading((), place)
        senders = Senders(place.get("transmitters", {}))
        for number, frame in enumerate(capture.frames):
            self._frame(frame, number, heard.at_ms, senders, told)
        if capture.fault is not None:
            told.aside.append(set_aside(heard.body[:HEADING_BYTES], capture.fault))
        kept = senders.kept()
        return told.reading({"transmitters": kept} if kept else place)

    def _frame(
        self, frame: CapturedFrame, number: int, heard_ms: int | None, senders: Senders, told: Telemetry
    ) -> None:
        try:
            found = advertisements(frame.link_type, frame.data)
        except Invalid:
            told.skipped[CUT] += 1
            return
        if not found:
            told.skipped[CUT if frame.is_cut else FOREIGN] += 1
        for one in found:
            try:
                self._advertisement(one, frame, heard_ms, senders, told)
            except Invalid as error:
                told.aside.append(set_aside(one.data, error, number=number))

    def _advertisement(
        self,
        one: Advertisement,
        frame: CapturedFrame,
        heard_ms: int | None,
        senders: Senders,
        told: Telemetry,
    ) -> None:
        at_ns = frame.at_ns if frame.at_ns is not None else heard_ms and heard_ms * NS_OF_MS
        if at_ns is None:
            raise Invalid(
                "nobody says when the frame was heard", field="frame", expected="a time in the capture"
            )
        at_ms = plausible_time(at_ns // NS_OF_MS, heard_ms, "frame")
        transmitter = None if one.address is None else self._hash(one.address, at_ms)
        sender = senders.hear(transmitter, at_ns)
        if sender is None:
            told.skipped[OLDER] += 1
            return
        told.at_ms = at_ms if heard_ms is None else heard_ms
        locations: list[tuple[bytes, LocationMessage]] = []
        for raw in messages_of(one.data):
            try:
                message = decode(raw)
            except Invalid as error:  # its neighbours in the pack are good
                told.aside.append(set_aside(raw, error))
                continue
            if isinstance(message, LocationMessage):
                locations.append((raw, message))
            elif message is not None:
                for fault in sender.hear(message, at_ms):
                    told.noted[f"{fault} of no known kind"] += 1
        for raw, location in locations:
            try:
                self._location(location, raw, one, transmitter, sender, at_ns, told)
            except Invalid as error:
                told.aside.append(set_aside(raw, error))

    def _hash(self, address: bytes, at_ms: int) -> str:
        day = datetime.fromtimestamp(at_ms / 1000, self._context.timezone).date().isoformat()
        return transmitter_hash(self._key, day, address)

    def _location(
        self,
        location: LocationMessage,
        raw: bytes,
        one: Advertisement,
        transmitter: str | None,
        sender: Sender,
        at_ns: int,
        told: Telemetry,
    ) -> None:
        at_ms = at_ns // NS_OF_MS
        who = best_of(sender.ids)
        if who is None:
            if transmitter is None:
                raise Invalid(
                    "it has neither an address nor an id", field="drone_id", expected="either of them"
                )
            who = DroneId(f"rid-{transmitter}", "address", NONE)
        faults = list(location.faults)
        measured_ms = None if location.tenths is None else location_ms(location.tenths, at_ms)
        if measured_ms is not None and (
            sender.clock_stands(location, at_ms) or measured_ms > at_ms + FUTURE_MS_MAX
        ):
            measured_ms = None
            faults.append("timestamp")
        where = position(self._context, location.lat, location.lon, accuracy_m=location.horizontal_accuracy_m)
        said = {
            "transmitter": transmitter,
            "drone_type": sender.drone_type,
            "flight_status": location.flight_status,
            **sender.operator_at(at_ms),
            ("above_ground_m" if location.is_above_ground else "above_takeoff_m"): location.height_m,
            "above_wgs84_m": location.above_wgs84_m,
            "pressure_altitude_m": location.pressure_altitude_m,
            "height_accuracy_m": location.vertical_accuracy_m,
            "speed_mps": location.speed_mps,
            "speed_accuracy_mps": location.speed_accuracy_mps,
            "vertical_mps": location.vertical_mps,
            "track_deg": location.track_deg,
            "age_s": None if measured_ms is None else (at_ms - measured_ms) / 1000,
            "receiver": self._receiver,
            "signal_dbm": one.signal_dbm,
            "faults": faults,
        }
        report_drone(
            told,
            who,
            (transmitter, at_ns, one.counter, raw.hex()),
            event_ms=at_ms if measured_ms is None else measured_ms,
            accuracy_s=None if measured_ms is None else location.time_accuracy_s,
            position=where,
            said=said,
        )


SOURCE = RemoteId

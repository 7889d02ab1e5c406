"""Aircraft that ADS-B hears, as a receiver's Beast frames over TCP, or a recording of them that is played or pushed.

Each place becomes a ``mobility.position`` of a manned aircraft, with the speed, track, callsign and category that it said
before. Heights are decoded and left out: ``mobility.position`` has no place for them. One that calls itself unmanned
(category B6) is counted from then on; it says so every five seconds or so.

- A frame's time is the arrival's, less the counter's steps to the last frame that came with it. A recording that nobody
  timed needs ``began``. A counter starts with its receiver, so it is never a time by itself.
- A place needs an even and an odd message within 10 s, or one alone near the aircraft's last place of the last five
  minutes, or near ``receiver``. On the ground one message is placed near either; a pair there says less, and is not used.
- A place that no aircraft can have reached from its last one is dropped, with what led to it, and counted.
- A message with broken parity is counted and dropped: none is mended. Mode A/C and what is no ADS-B are counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.beast import BeastFrame, beast_frames, step_s, times_ms, whole_bytes
from connectors.formats.mode_s import is_extended_squitter, squitter_of
from connectors.formats.records import plausible_time, set_aside
from connectors.sources._adsb_tracks import Tracks
from connectors.subjects.aircraft import (
    NOBODY,
    NOT_AN_ADDRESS,
    AircraftSettings,
    keep_aircraft_forward,
    tell_aircraft,
)
from connectors.subjects.vehicles import Telemetry
from connectors.transport.tcp import TcpReader, TcpSettings
from schemas.errors import Invalid

OTHER, BROKEN, UNREAD = "message that is no ADS-B", "message with broken parity", "message of another kind"
NO_TIME = "message without a time"


class ReceiverPlace(BaseModel):
    """Where the receiver stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float = Field(ge=-90, le=90, description="degrees north")
    lon: float = Field(ge=-180, le=180, description="degrees east")


class Config(AircraftSettings):
    """Settings of a source of type ``adsb_beast``. Without tcp it is only played or pushed."""

    tcp: TcpSettings | None = Field(None, description="the receiver's port, to which it connects")
    receiver: ReceiverPlace | None = Field(
        None,
        description="where it stands: places by one message; only where it hears no farther than 330 km",
    )
    began: AwareDatetime | None = Field(
        None, description="when the first frame of a recording without times was heard, with an offset"
    )


class AdsbBeast:
    """A ``Source`` of aircraft's positions."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._reader = TcpReader(context, config.tcp, whole=whole_bytes)

    def listen(self) -> AsyncIterator[Heard]:
        return self._reader.listen()

    async def close(self) -> None:
        await self._reader.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        if not heard.body:
            return Reading((), place)
        frames = beast_frames(heard.body, told.skipped)
        if not frames:
            error = Invalid(
                "there is no whole Beast frame", field="", expected="0x1A and a type of 1, 2 or 3"
            )
            return Reading((), place, aside=[set_aside(heard.body, error)])
        receiver = self._config.receiver
        tracks = Tracks(place.get("aircraft", {}), (receiver.lat, receiver.lon) if receiver else None)
        for at_ms, frame in zip(self._times(frames, heard.at_ms), frames, strict=True):
            self._hear(frame, at_ms, tracks, told)
        newest = keep_aircraft_forward(told, place.get("newest", {}))
        kept = tracks.kept()
        if not kept:
            return told.reading(place)
        # who was forgotten may go back no further than it could be heard
        return told.reading(
            {"aircraft": kept, "newest": {who: at for who, at in newest.items() if who in kept}}
        )

    def _times(self, frames: list[BeastFrame], at_ms: int | None) -> list[int | None]:
        if at_ms is not None:
            return [*times_ms(frames, last_ms=at_ms)]
        if self._config.began is None:
            return [None] * len(frames)
        lasted_s = sum(step_s(one, following) for one, following in pairwise(frames))
        return [*times_ms(frames, last_ms=round((self._config.began.timestamp() + lasted_s) * 1000))]

    def _hear(self, frame: BeastFrame, at_ms: int | None, tracks: Tracks, told: Telemetry) -> None:
        if not is_extended_squitter(frame.message):
            told.skipped[OTHER] += 1
            return
        try:
            said = squitter_of(frame.message)
        except Invalid:
            told.skipped[BROKEN] += 1
            return
        if said is None:
            told.skipped[UNREAD] += 1
        elif said.address in NOBODY:
            told.skipped[NOT_AN_ADDRESS] += 1
        elif at_ms is None:
            told.skipped[NO_TIME] += 1
        else:
            try:
                state = tracks.hear(said, plausible_time(at_ms, told.at_ms), told)
                if state is not None:
                    tell_aircraft(told, self._config, state)
            except Invalid as error:
                told.aside.append(set_aside(frame.message, error))


SOURCE = AdsbBeast

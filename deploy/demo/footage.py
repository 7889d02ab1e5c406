"""Pictures of the demo's cameras: ffmpeg draws each while somebody asks for it; without ffmpeg, a drawing says so."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from threading import Lock

CAMERAS_MAX = 4
"""Pictures at once: each costs a part of a core."""
IDLE_S = 20.0
SEGMENT_S, SEGMENTS = 1, 6
BEGIN = 3
"""Segments made at once, the rest as time goes by: Chromium fails at a live list of one ("never had any data")."""
WIDTH, HEIGHT, RATE = 640, 360, 10
PLAYLIST = "index.m3u8"
STREET = (
    f"color=0x3a434b:size={WIDTH}x{HEIGHT}:rate={RATE},"
    "drawbox=y=190:h=110:color=0x20262b:t=fill,drawbox=y=244:h=2:color=0xd8c060:t=fill,"
    "drawbox=x=60:y=60:w=150:h=110:color=0x55606a:t=fill,drawbox=x=330:y=80:w=230:h=90:color=0x4a545d:t=fill[ground];"
    f"color=0xc9d3dc:size=52x26:rate={RATE}[east];[ground][east]overlay=x=mod(95*t\\,W+52)-52:y=258[one];"
    f"color=0x8fb4d9:size=46x24:rate={RATE}[west];[one][west]overlay=x=W-mod(70*t+300\\,W+46):y=206"
)
"""A street with two cars, seen by a camera."""
ENCODER, LETTERING = "libx264", "drawtext"
# The shell ends ffmpeg when its standard input ends: with us, however we end.
UNTIL_WE_END = 'exec 3<&0; "$0" "$@" </dev/null 3<&- & made=$!; { cat <&3 >/dev/null; kill $made; } & exec 3<&-; wait $made'


def filming() -> tuple[str, bool] | None:
    """An ffmpeg that makes what browsers play, and whether it can write on a picture. ``None``: there is none here."""
    program = shutil.which("ffmpeg")
    if program is None or ENCODER not in _told(program, "-encoders"):
        return None
    return program, LETTERING in _told(program, "-filters")


def _told(program: str, what: str) -> str:
    asked = (program, "-hide_banner", "-loglevel", "error", what)
    return subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False).stdout


def command(program: str, folder: Path, *, writes: bool) -> list[str]:
    """ffmpeg's arguments for a live picture in *folder*, in segments of a second; *writes*: with ``text``'s words."""
    at_once = f"setpts=max(0\\,PTS-{BEGIN * SEGMENT_S}/TB)"
    source = f"{STREET},{at_once},realtime,setpts=N/({RATE}*TB)"
    if writes:  # last, so that the time is that of the moment
        source += ",drawtext=textfile=text:x=12:y=12:fontsize=22:fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=8"
    return [
        program, "-nostdin", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", source,
        "-c:v", ENCODER, "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-threads", "1",
        "-g", str(RATE * SEGMENT_S), "-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_list_size", str(SEGMENTS),
        "-hls_flags", "delete_segments+independent_segments+omit_endlist+temp_file",
        "-hls_segment_filename", str(folder / "%05d.ts"), str(folder / PLAYLIST),
    ]  # fmt: skip


@dataclass(slots=True)
class _Film:
    process: subprocess.Popen[bytes]
    folder: Path
    asked_s: float


class Footage:
    """The pictures that are being made, below *folder*. *clock*: seconds that never go back; *zone*: of the time on them."""

    def __init__(self, folder: Path, clock: Callable[[], float], *, zone: str = "UTC") -> None:
        self._folder, self._clock, self._zone = folder, clock, zone
        self._filming = filming()
        self._lock = Lock()
        self._films: dict[str, _Film] = {}

    @property
    def is_able(self) -> bool:
        """Whether pictures move here."""
        return self._filming is not None

    def folder_of(self, camera: str) -> Path | None:
        """The folder that *camera*'s picture goes into from now on. ``None`` where as many as may be are made already."""
        with self._lock:
            film = self._films.get(camera)
            if film is not None and film.process.poll() is not None:
                self._end(camera)
                film = None
            if film is None:
                if len(self._films) >= CAMERAS_MAX:
                    return None
                film = self._films[camera] = self._begin(camera)
            film.asked_s = self._clock()
            return film.folder

    def rest(self) -> None:
        """End what nobody asked for lately."""
        with self._lock:
            now_s = self._clock()
            for camera in [one for one, film in self._films.items() if now_s - film.asked_s >= IDLE_S]:
                self._end(camera)

    def end(self) -> None:
        with self._lock:
            for camera in list(self._films):
                self._end(camera)

    def cameras(self) -> list[str]:
        """Cameras whose picture is being made."""
        with self._lock:
            return sorted(self._films)

    def _begin(self, camera: str) -> _Film:
        if self._filming is None:
            raise RuntimeError("no picture moves without ffmpeg: ask is_able first")
        program, writes = self._filming
        folder = self._folder / hashlib.sha256(camera.encode()).hexdigest()[:16]
        folder.mkdir(parents=True)
        (folder / "text").write_text(f"{lettered(camera)}  %{{localtime:%T}}  SIMULATED", encoding="utf-8")
        process = subprocess.Popen(
            ["/bin/sh", "-c", UNTIL_WE_END, *command(program, folder, writes=writes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "TZ": self._zone},
            start_new_session=True,
        )
        return _Film(process, folder, self._clock())

    def _end(self, camera: str) -> None:
        film = self._films.pop(camera)
        film.process.communicate()
        shutil.rmtree(film.folder, ignore_errors=True)


def has_begun(playlist: Path) -> bool:
    """Whether *playlist* lists enough for a browser to begin with."""
    try:
        return playlist.read_text(encoding="utf-8").count("#EXTINF") >= BEGIN
    except FileNotFoundError:
        return False


def lettered(camera: str) -> str:
    """*camera* as ffmpeg may read it: none of the marks with which it writes times and numbers."""
    return re.sub(r"[^\w .~-]", "_", camera)[:60]


def drawing(camera: str, why: str) -> bytes:
    """A picture that stands still and says *why*."""
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    text = 'fill="#e8eef4" font-family="sans-serif" text-anchor="middle"'
    middle = WIDTH // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<rect {size} fill="#10161d"/><path d="M270 100h76v56h-76zM346 120l34-18v52l-34-18z" fill="#5b6b7b"/>'
        f'<text x="{middle}" y="210" font-size="28" {text}>{escape(camera)}</text>'
        f'<text x="{middle}" y="250" font-size="18" {text}>{escape(why)}</text></svg>'
    ).encode()

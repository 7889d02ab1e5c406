"""Principals of a secure home: made by its administrator, with their rights; and which one this process is.

A process that serves a city is ``<city>.platform``. The other commands, which the home's owner gives, are its administrator.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.local.cluster import runs
from deploy.local.home import Home
from deploy.local.redis import let_in
from deploy.local.secure_home import admin_file, folder_of, password_in, principal_file, write_private
from deploy.rights import exactly, platform_of, rights_of_platform
from deploy.settings import given, home_folder
from schemas.errors import Fatal, Unreachable
from streams.runtime.clients import admin_of
from streams.runtime.security import VARIABLE, security_of, use

MECHANISM, ITERATIONS = ScramMechanism.SCRAM_SHA_512, 4_096
ASK_S, SETTLE_S, SETTLE_EVERY_S = 10.0, 15.0, 0.05


def secure_home() -> Home | None:
    """The home whose principals this process may make; ``None`` where none is secure, or Kafka is elsewhere."""
    home = Home(home_folder())
    return home if "kafka" not in given() and home.recall().secure else None


def act_as_platform(city: str) -> None:
    """Be ``<city>.platform`` from now on in this process, unless the environment names a security.

    Where that principal is new, Kafka must answer: it is made. Does nothing where Kafka asks for none.
    """
    home = secure_home()
    if home is None or os.environ.get(VARIABLE):
        return
    if not principal_file(home, platform_of(city)).exists():
        grant([city])
    use(principal_file(home, platform_of(city)))


def grant(cities: Iterable[str]) -> int:
    """Give each of *cities* its principal and its rights, where the home is secure; return how many principals.

    What is there already is written again: it mends what somebody took away.
    """
    home = secure_home()
    if home is None:
        return 0
    names = list(cities)
    with home.locked():
        admin = admin_of("", by=security_of(admin_file(home)))
        for city in names:
            _grant(home, admin, city)
        if "redis" not in given():
            _let_in(home)
    return len(names)


def _let_in(home: Home) -> None:
    remembered = home.recall()
    if runs(remembered, "redis"):
        let_in(home, remembered.ports["redis"])


def _grant(home: Home, admin: AdminClient, city: str) -> None:
    principal, rights = platform_of(city), rights_of_platform(city)
    try:
        make_user(home, admin, principal)
        for given_one in admin.create_acls(list(rights), request_timeout=ASK_S).values():
            given_one.result()
        _until(lambda: _is_known(admin, principal, rights), f"principal {principal}")
    except KafkaException as error:
        raise Unreachable(
            f"principal {principal} cannot be made: {error.args[0].name()}",
            hint="start Kafka with: bongsu up; its log says more: bongsu logs kafka",
        ) from error


def make_user(home: Home, admin: AdminClient, principal: str) -> None:
    """Give *principal* its password in Kafka, and in *home* the files by which it comes in; made where there is none.

    One that is there keeps its password. ``KafkaException`` where Kafka does not take it.
    """
    password = password_in(folder_of(home) / f"{principal}.password")
    proof = ScramCredentialInfo(MECHANISM, ITERATIONS)
    alter_users(admin, UserScramCredentialUpsertion(principal, proof, password.encode()))
    write_private(
        principal_file(home, principal),
        f'ca_file = "ca.crt"\nprincipal = "{principal}"\npassword_file = "{principal}.password"\n',
    )


def alter_users(
    admin: AdminClient, wanted: UserScramCredentialUpsertion | UserScramCredentialDeletion
) -> None:
    for told in admin.alter_user_scram_credentials([wanted], request_timeout=ASK_S).values():
        told.result()


def _is_known(admin: AdminClient, principal: str, rights: Iterable[AclBinding]) -> bool:
    """Whether the broker itself knows them: it learns the controller's decisions a moment later."""
    try:
        admin.describe_user_scram_credentials([principal], request_timeout=ASK_S)[principal].result()
    except KafkaException:
        return False
    return all(admin.describe_acls(exactly(one), request_timeout=ASK_S).result() for one in rights)


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise Fatal(f"{what} is still not known to the broker", hint="see: bongsu logs kafka")
        time.sleep(SETTLE_EVERY_S)

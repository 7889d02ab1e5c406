"""The rights that a secure home's Kafka has, read and changed by its administrator."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    UserScramCredentialDeletion,
)

from deploy.faults import UsageFault
from deploy.local.home import Home
from deploy.local.secure_home import admin_file, folder_of, principal_file
from deploy.principals import ASK_S, MECHANISM, SETTLE_EVERY_S, SETTLE_S, alter_users, make_user, secure_home
from deploy.rights import exactly
from deploy.sharing.agreed_rights import Act, RightChange, RightsThere, changes
from deploy.sharing.agreements import Sharing, is_agency
from schemas.errors import Fatal, Unreachable
from streams.log import Log
from streams.runtime.clients import admin_of
from streams.runtime.security import security_of

log = Log("bongsu.sharing")
ALL_RIGHTS = AclBindingFilter(
    ResourceType.ANY,
    None,
    ResourcePatternType.ANY,
    None,
    None,
    AclOperation.ANY,
    AclPermissionType.ANY,
)


class ClusterRights:
    """The rights of one secure home."""

    def __init__(self) -> None:
        """``UsageFault`` where Kafka asks nobody who they are, or is elsewhere."""
        home = secure_home()
        if home is None:
            raise UsageFault(
                "Kafka here is open, or elsewhere: there are no rights to hold to agreements",
                hint="start it with: bongsu up --secure (in Kubernetes, KafkaUser resources say the same)",
            )
        self.home: Home = home
        self._admin: AdminClient = admin_of("", by=security_of(admin_file(home)))

    def found(self) -> RightsThere:
        """All that is there now. ``Unreachable`` where Kafka does not answer."""
        try:
            rights = self._admin.describe_acls(ALL_RIGHTS, request_timeout=ASK_S).result()
            known = self._admin.describe_user_scram_credentials(None, request_timeout=ASK_S).result()
        except KafkaException as error:
            raise _unreachable(error) from error
        folder = folder_of(self.home)
        ours = [one.stem for one in folder.glob("*.toml") if is_agency(one.stem)]
        return RightsThere(
            frozenset(rights),
            frozenset(known),
            frozenset(one for one in ours if (folder / f"{one}.password").exists()),
        )

    def differences(self, sharing: Sharing, *, now: datetime) -> list[RightChange]:
        return changes(sharing, self.found(), now=now)

    def apply(self, sharing: Sharing, *, now: datetime) -> list[RightChange]:
        """Make it so, and return each change once the broker knows them all."""
        with self.home.locked():
            made = self.differences(sharing, now=now)
            for one in made:
                self._make(one)
                log.info(one.act.replace(" ", "_"), **facts_of(one))
            deadline = time.monotonic() + SETTLE_S
            while made and (left := self.differences(sharing, now=now)):
                if time.monotonic() > deadline:
                    raise Fatal(f"not done: {left[0].words}", hint="see: bongsu logs kafka")
                time.sleep(SETTLE_EVERY_S)
        return made

    def _make(self, one: RightChange) -> None:
        making: Mapping[Act, Callable[[RightChange], None]] = {
            "remove right": self._remove_right,
            "remove user": self._remove_user,
            "add user": self._add_user,
            "add right": self._add_right,
        }
        try:
            making[one.act](one)
        except KafkaException as error:
            raise _unreachable(error) from error

    def _add_right(self, one: RightChange) -> None:
        for told in self._admin.create_acls([one.right], request_timeout=ASK_S).values():
            told.result()

    def _remove_right(self, one: RightChange) -> None:
        for told in self._admin.delete_acls([exactly(one.right)], request_timeout=ASK_S).values():
            told.result()

    def _add_user(self, one: RightChange) -> None:
        make_user(self.home, self._admin, one.principal)

    def _remove_user(self, one: RightChange) -> None:
        """Remove it from Kafka, then its files: a renewed agreement begins with a new password."""
        if one.principal in self.found().users:
            alter_users(self._admin, UserScramCredentialDeletion(one.principal, MECHANISM))
        principal_file(self.home, one.principal).unlink(missing_ok=True)
        (folder_of(self.home) / f"{one.principal}.password").unlink(missing_ok=True)


def facts_of(one: RightChange) -> dict[str, str]:
    """The change for a log record and for JSON."""
    right = one.right
    about = (
        {}
        if right is None
        else {
            "kind": right.restype.name,
            "name": right.name,
            "pattern": right.resource_pattern_type.name,
            "operation": right.operation.name,
            "permission": right.permission_type.name,
            "host": right.host,
        }
    )
    if one.about:
        about = {"name": one.about}
    return {"principal": one.principal, **about, "why": one.why}


def acts_of(made: Sequence[RightChange]) -> str:
    """A summary: ``2 rights added, 1 user removed``."""
    counts: dict[str, int] = {}
    for one in made:
        verb, what = one.act.split()
        key = f"{what}s {'added' if verb == 'add' else 'ended'}"
        counts[key] = counts.get(key, 0) + 1
    return ", ".join(f"{count} {words}" for words, count in counts.items()) or "nothing to change"


def _unreachable(error: KafkaException) -> Unreachable:
    return Unreachable(
        f"Kafka's rights cannot be read or changed: {error.args[0].name()}",
        hint="start Kafka with: bongsu up; its log says more: bongsu logs kafka",
    )

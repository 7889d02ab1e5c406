"""The roles of people and their permissions. Pure.

The law's profile (``[may]`` in ``deploy/laws``) can narrow what a role may do with a situation. This table says who may
act at all; the law says which actions need a higher role.
"""

from __future__ import annotations

from collections.abc import Iterable

SUBSCRIBE, OPERATE, SUPERVISE, ADMINISTER = "subscribe", "operate", "supervise", "administer"
AUDIT = "audit"
"""To read what others have looked at; an account that may do so changes nothing."""
ROLES = {
    "viewer": (SUBSCRIBE,),
    "operator": (SUBSCRIBE, OPERATE),
    "supervisor": (SUBSCRIBE, OPERATE, SUPERVISE),
    "auditor": (SUBSCRIBE, AUDIT),
    "administrator": (ADMINISTER,),
}
"""A person's role → the permissions of its account, in the words of ``core.account``."""
ACTING = ((OPERATE, "operator"), (SUPERVISE, "supervisor"))
"""(permission to act, role written into the action), the lowest first."""


def roles_as(role: str) -> list[str]:
    return sorted(ROLES[role])


def acting(may: Iterable[str]) -> tuple[str, ...]:
    """The roles in which an account with the permissions *may* acts on situations, the lowest first."""
    known = set(may)
    return tuple(role for word, role in ACTING if word in known)


def role_of(may: Iterable[str]) -> str:
    """The role with exactly these permissions; the permissions themselves where there is none."""
    known = set(may)
    return next((role for role, words in ROLES.items() if set(words) == known), ", ".join(sorted(known)))

"""The roles of people, and what each lets them do. Pure.

What a role may do with a situation is narrowed further by the law's profile (``[may]`` in ``deploy/laws``): this table says
who may act at all, the law which actions need more.
"""

from __future__ import annotations

from collections.abc import Iterable

SUBSCRIBE, OPERATE, SUPERVISE, ADMINISTER = "subscribe", "operate", "supervise", "administer"
ROLES = {
    "viewer": (SUBSCRIBE,),
    "operator": (SUBSCRIBE, OPERATE),
    "supervisor": (SUBSCRIBE, OPERATE, SUPERVISE),
    "administrator": (ADMINISTER,),
}
"""A person's role → what an account of that role may do, in the words of ``core.account``."""
ACTING = ((OPERATE, "operator"), (SUPERVISE, "supervisor"))
"""What lets somebody act, and the role that the action then bears; the lowest first."""


def roles_as(role: str) -> list[str]:
    return sorted(ROLES[role])


def acting(may: Iterable[str]) -> tuple[str, ...]:
    """The roles in which who *may* do these things acts with situations, the lowest first."""
    known = set(may)
    return tuple(role for word, role in ACTING if word in known)


def role_of(may: Iterable[str]) -> str:
    """The role whose account may do just this; what it may do, where no role is that."""
    known = set(may)
    return next((role for role, words in ROLES.items() if set(words) == known), ", ".join(sorted(known)))

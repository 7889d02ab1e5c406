"""Assemble the sessions of a city's gateway: the secret that signs them."""

from __future__ import annotations

from connectors.gateway.sessions import Sessions
from connectors.gateway.sessions_key import kept_secret
from deploy.assembly.gateway_place import gateway_folder
from deploy.city.city import City
from deploy.replica import Replica


def sessions_of(city: City, replica: Replica) -> Sessions:
    """Signed with the replicas' shared key; without one with a secret in the home folder."""
    secret = replica.shared_key or kept_secret(gateway_folder(city) / "sessions" / "secret")
    return Sessions(secret, city.name)

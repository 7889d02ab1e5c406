"""Assemble the sessions of a city's gateway: the secret that signs them, and what all replicas know of them."""

from __future__ import annotations

from connectors.gateway.sessions import Sessions
from connectors.gateway.sessions_key import kept_secret
from connectors.gateway.sessions_link import UsedLinks
from connectors.gateway.sessions_signs import Signs
from deploy.assembly.gateway_place import gateway_folder, gateway_url
from deploy.city.city import City
from deploy.replica import Replica
from streams.operators.access import LogAccess


def sessions_of(city: City, replica: Replica) -> Sessions:
    """Signed with the replicas' shared key; without one with a secret in the home folder."""
    secret = replica.shared_key or kept_secret(gateway_folder(city) / "sessions" / "secret")
    return Sessions(secret, city.name)


def signs_of(city: City, replica: Replica, access: LogAccess) -> Signs:
    """The sessions, and the sign-outs and used links, which *access* writes."""
    links = UsedLinks(gateway_folder(city, replica.name) / "sessions" / "used-links")
    return Signs(sessions_of(city, replica), links, access, access.writer)


def link_url(city: City, token: str) -> str:
    """The address that signs in once, at the city's gateway on this machine."""
    return f"{console_url(gateway_url(city))}#link={token}"


def console_url(url: str) -> str:
    """The address of the console at the gateway with that address."""
    return f"{url}/console/"

"""The settings of a secure Kafka: TLS everywhere, nobody without a principal, no right that was not given.

Clients prove themselves by SCRAM on the listener that all use. The broker, its controller and the home's administrator do
so by certificates of the home's authority, on listeners of their own: they must be in before there is a first SCRAM user.
No password is in these settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from deploy.local.secure_home import ADMIN, BROKER

PORT = "kafka-internal"
"""The name of the port for the broker itself and the administrator."""
KEYS = {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": "../security/broker.pem",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": "../security/ca.crt",
}
RULES = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"User:{BROKER};User:{ADMIN}",
    "ssl.principal.mapping.rules": "RULE:^CN=([a-z]+)$/$1/,DEFAULT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.clients.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "listener.name.internal.ssl.client.auth": "required",
    "listener.name.controller.ssl.client.auth": "required",
}


def secured(settings: str, ports: Mapping[str, int]) -> str:
    """The node's *settings* with listeners that let in only who is known."""
    kept = dict(line.split("=", 1) for line in settings.splitlines() if line)
    clients, internal = (f"127.0.0.1:{ports[name]}" for name in ("kafka", PORT))
    brokers = f"CLIENTS://{clients},INTERNAL://{internal}"
    kept |= {
        "listeners": f"{brokers},CONTROLLER://127.0.0.1:{ports['controller']}",
        "advertised.listeners": brokers,
        "inter.broker.listener.name": "INTERNAL",
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL",
        **KEYS,
        **RULES,
    }
    return "".join(f"{name}={value}\n" for name, value in kept.items())

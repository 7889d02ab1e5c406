"""Remove a city from a cluster: its topics, its subjects in the registry, its live view, and its folders in the home.

Data of other cities, and data of no city, stays. Recordings and the city's file stay too.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from redis import Redis, RedisError

from deploy.platform import Platform
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal, Unreachable
from streams.runtime.clients import admin_of

ASK_S = 8.0
GONE_S = 30.0
MEMBER_S = 60.0
LOOK_S = 0.05


def topics_of(platform: Platform, city: str) -> list[str]:
    """The city's topics in the cluster."""
    try:
        known = _admin(platform).list_topics(timeout=ASK_S).topics
    except KafkaException as error:
        raise Unreachable("Kafka does not answer", hint="start it with: bongsu up") from error
    return [topic for one in load_catalogue() if (topic := topic_name(city, one)) in known]


def folders_of(home: Path, city: str) -> list[Path]:
    """The gateway's spool and the workers' files in *home*. A city's name has no dot, so ``CITY.`` matches no other."""
    found = [home / "gateway" / city, *(home / "workers").glob(f"{city}.*")]
    return [one for one in found if one.exists()]


def is_here(platform: Platform, city: str, home: Path) -> bool:
    """Whether there is anything to erase: topics, or folders in the home."""
    return bool(topics_of(platform, city)) or (home / "gateway" / city).exists()


def erase_city(platform: Platform, city: str, home: Path) -> None:
    """Erase *city*. None of its processes may run. ``Fatal`` or ``Unreachable`` says what could not be removed."""
    admin = _admin(platform)
    deadline = time.monotonic() + MEMBER_S
    while not _without_groups(admin, city, is_last=time.monotonic() > deadline):
        time.sleep(1)  # a killed worker stays a member of its group until its session times out
    _without_topics(admin, platform, city)
    for contract in load_catalogue():
        platform.wire.registry.forget(topic_name(city, contract))
    _without_view(platform, city)
    for one in folders_of(home, city):
        try:
            shutil.rmtree(one) if one.is_dir() else one.unlink(missing_ok=True)
        except OSError as error:
            raise Fatal(f"{one} cannot be removed: {error.strerror}", hint="remove it by hand") from error


def _admin(platform: Platform) -> AdminClient:
    return admin_of(platform.kafka, log_level=0)


def _without_groups(admin: AdminClient, city: str, *, is_last: bool) -> bool:
    """Delete the stages' consumer groups: their offsets would make a later city of that name skip records.

    Return whether all are deleted.
    """
    try:
        listed = admin.list_consumer_groups(request_timeout=ASK_S).result().valid
        groups = [one.group_id for one in listed if one.group_id.startswith(f"{city}.")]
        for future in admin.delete_consumer_groups(groups).values() if groups else ():
            future.result()
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.NON_EMPTY_GROUP:
            if not is_last:
                return False
            raise Fatal(f"a worker of {city} still runs", hint="end it first") from error
        if code not in (KafkaError.GROUP_ID_NOT_FOUND, KafkaError._NOENT):
            raise Fatal(f"the groups of {city} cannot be removed: {error.args[0].str()}") from error
    return True


def _without_topics(admin: AdminClient, platform: Platform, city: str) -> None:
    topics = topics_of(platform, city)
    for topic, future in (admin.delete_topics(topics) if topics else {}).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise Fatal(f"topic {topic} cannot be removed: {error.args[0].str()}") from error
    deadline = time.monotonic() + GONE_S
    while left := topics_of(platform, city):
        if time.monotonic() > deadline:
            raise Fatal(f"{len(left)} topics of {city} are still there", hint="see: bongsu logs kafka")
        time.sleep(LOOK_S)  # a broker learns the controller's decision a moment later


def _without_view(platform: Platform, city: str) -> None:
    if not platform.endpoints.redis:
        return
    try:
        with Redis.from_url(platform.endpoints.redis, socket_timeout=ASK_S) as view:
            for key in view.scan_iter(f"bongsu:{city}:*", count=1_000):
                view.delete(key)
    except RedisError as error:
        raise Unreachable("Redis does not answer", hint="start it with: bongsu up") from error

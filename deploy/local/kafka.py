"""Apache Kafka as one node that is broker and controller (KRaft), with settings for one node.

It runs in its own folder of the home, and every path it gets is relative to that, so that no letter of the home's path
matters: Java's properties files are Latin-1, ``log.dirs`` is split at commas, and "%" in a log file's name is a conversion.
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from string import Template
from typing import Any

from confluent_kafka import KafkaException

from connectors.transport.private_files import private_folder
from deploy.local import broker_metrics, kafka_security
from deploy.local import fence as fencing
from deploy.local.artefacts import class_path
from deploy.local.component import Ground
from deploy.local.java import environment, find_java
from deploy.local.secure_home import make_certificates
from deploy.settings import takes_connections
from schemas.errors import Fatal
from streams.runtime.clients import admin_of

CLUSTER_ID = "Ym9uZ3N1LWxvY2FsLTAwMQ"  # "bongsu-local-001": local clusters never meet, so one id is enough
FORMAT_S = 60.0
ANSWER_S = 2.0

# One node cannot replicate: each internal topic's factor and minimum is 1. Few partitions spare memory.
SETTINGS = Template("""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$kafka,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=33554432
""")
# In a controlled shutdown the one node takes the leader from its partitions while it still accepts commits: Kafka 4.3 then
# drops the markers of such a transaction (see `fence`), and the next abort of its producer takes the committed records with
# it. Without it the markers are kept, and written after the start; the node must be fenced before each start.
LEADERS_KEPT = "controlled.shutdown.enable=false\n"

LOGGING = """\
<Configuration status="ERROR">
  <Appenders>
    <RollingFile name="file" fileName="${sys:bongsu.log}" filePattern="${sys:bongsu.log}.%i">
      <PatternLayout pattern="%d{ISO8601} %p %m (%c{1})%n"/>
      <Policies><SizeBasedTriggeringPolicy size="10 MB"/></Policies>
      <DefaultRolloverStrategy max="3"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.clients" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""

QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # for work of a second or two
HEAP = ("-Xms256m", "-Xmx768m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:+ExitOnOutOfMemoryError")


class Kafka:
    ports = ("kafka", "controller")

    def command(self, ground: Ground) -> list[str]:
        folder = ground.home.folder("kafka")
        data = folder / "data"
        private_folder(folder)
        settings = SETTINGS.substitute(ground.ports) + LEADERS_KEPT
        if ground.secure:
            make_certificates(ground.home, internal=ground.ports[kafka_security.PORT], now=datetime.now(UTC))
            settings = kafka_security.secured(settings, ground.ports)
        (folder / "server.properties").write_text(settings, encoding="ascii")
        (folder / "log4j2.xml").write_text(LOGGING, encoding="utf-8")
        if not (data / "meta.properties").exists():
            self._format(ground)
        elif fencing.has_run(data):
            self._fence(ground)
        agent = broker_metrics.java_options(ground.artefacts, ground.cache, folder, ground.ports)
        return [*self._java(ground, "kafka"), *agent, *HEAP, "kafka.Kafka", "server.properties"]

    def answers(self, place: str) -> bool:
        if not takes_connections(place, timeout_s=ANSWER_S):
            return False
        try:  # log_level 0: a refused connection is normal while the broker starts
            quiet: dict[str, Any] = {"log_level": 0, "socket.timeout.ms": 2000}
            admin = admin_of(place, **quiet)
            return bool(admin.list_topics(timeout=ANSWER_S).brokers)
        except KafkaException:
            return False

    def _fence(self, ground: Ground) -> None:
        folder = ground.home.folder("kafka")
        if fencing.was_killed(folder / "data"):
            ground.progress.say("Kafka was killed: putting its data in order")
        as_broker = (folder / "server.properties").read_text(encoding="ascii")
        (folder / "controller.properties").write_text(fencing.alone(as_broker), encoding="ascii")
        command = [*self._java(ground, "kafka-fencing"), *QUICK, "kafka.Kafka", "controller.properties"]
        fencing.fence(command, ground.home.log("kafka-fencing"), folder=folder)

    def _format(self, ground: Ground) -> None:
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID]
        tool += ["--config", "server.properties"]
        done = subprocess.run(
            [*self._java(ground, "kafka-format"), *QUICK, *tool],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FORMAT_S,
            cwd=ground.home.folder("kafka"),
            env={**os.environ, **environment()},
            check=False,
        )
        if done.returncode != 0:
            raise Fatal(
                f"Kafka's data in {ground.home.root} could not be made ready: {done.stdout}{done.stderr}",
                hint="if it holds nothing that you need: bongsu down --erase, then bongsu up",
            )

    def _java(self, ground: Ground, log: str) -> list[str]:
        words = ["-Dlog4j2.configurationFile=log4j2.xml", f"-Dbongsu.log=../logs/{ground.home.log(log).name}"]
        words.append(
            f"-Dbongsu.home={ground.home.root}"
        )  # not read by Kafka: it names the home in the process list
        return [str(find_java()), *words, "-cp", class_path(ground.artefacts, "kafka", ground.cache)]

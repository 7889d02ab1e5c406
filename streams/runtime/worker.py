"""The worker: a Faust app around stages and services. Faust runs its start and end, channels, timers and web pages.

Kafka's records never pass through Faust's own consumer (a plain Faust agent handles 5.5-10 k events per
second and loses a batch whose handler raises). confluent-kafka polls, and whole batches cross a bounded
channel. Faust therefore starts without its Kafka clients: idle ones cost 1 % of a core in each process.
``/healthz`` shows the last tick heard as the pulse, to a caller on this machine or with the key for metrics;
``/metrics`` is for these alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import faust
from faust.app.base import BootStrategy
from faust.web import Request, Response, View
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from connectors.transport.callers import may_see
from connectors.transport.private_files import private_folder
from schemas.errors import BongsuError, Fatal
from streams import metrics as shown
from streams.log import log
from streams.runtime.ending import EndingWorker
from streams.runtime.kafka import group_consumer
from streams.runtime.loop import StageLoop, Work, decide
from streams.runtime.pulse import Pulse
from streams.runtime.stage import Stage

CHANNEL_BATCHES = 2
WATCH_S = 1.0


class Service(Protocol):
    """A task beside the stages, such as a source or a sink."""

    @property
    def name(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    async def run(self) -> None:
        """Run until cancelled."""


class Worker:
    """One process of one city: its stages and services, and its pages (``/healthz``, ``/readyz``, ``/metrics``)."""

    def __init__(
        self,
        name: str,
        *,
        city: str,
        bootstrap: str,
        web_port: int,
        data_dir: Path,
        web_host: str = "127.0.0.1",
    ) -> None:
        self.name = f"{city}.{name}"
        self.web_port = web_port
        self._bootstrap = bootstrap
        self._services: list[Service] = []
        self._loops: list[StageLoop] = []
        self._threads: list[threading.Thread] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._pulse = Pulse(city, self.name, bootstrap=bootstrap)
        self._is_shutting = False
        self._stop_when: Callable[[], bool] | None = None
        self.fault: BaseException | None = None
        private_folder(data_dir)
        self._app = faust.App(
            f"{self.name}.worker.{uuid4().hex}",
            broker=f"kafka://{bootstrap}",
            store="memory://",
            datadir=str(data_dir).replace("{", "{{").replace("}", "}}"),  # Faust formats this text
            web_bind=web_host,
            web_host=web_host,
            web_port=web_port,
            topic_disable_leader=True,
            topic_allow_declare=False,
            autodiscover=False,
        )
        self._app.boot_strategy = BootStrategy(self._app, enable_kafka=False, enable_sensors=False)
        self._pages()
        self._app.task()(self._start_all)
        shown.watch_disk(data_dir)
        shown.is_ready.labels(self.name).set_function(lambda: float(self.is_ready))

    def add_stage(self, stage: Stage, **consumer_settings: Any) -> None:
        """Run *stage* over a bounded channel. Call before ``run``."""
        channel = self._app.channel(maxsize=CHANNEL_BATCHES)
        decider = ThreadPoolExecutor(1, thread_name_prefix=f"{stage.group}.decide")

        async def answer(works: Any) -> None:
            loop = asyncio.get_running_loop()
            async for work in works:
                try:
                    await decide(work, lambda do: loop.run_in_executor(decider, do))
                except asyncio.CancelledError:
                    raise
                except BaseException as error:  # an agent must not raise: Faust would go on without it
                    self._end(error)

        self._app.agent(channel, name=f"{stage.group}.answer")(answer)

        def put(work: Work) -> Future[None]:
            return asyncio.run_coroutine_threadsafe(channel.send(value=work), self._app.loop)

        consumer = group_consumer(self._bootstrap, stage.group, **consumer_settings)
        self._loops.append(StageLoop(stage, consumer, put))

    def add_service(self, service: Service) -> None:
        self._services.append(service)

    def stop_when(self, is_done: Callable[[], bool]) -> None:
        """End the worker once *is_done* returns true; it is called a few times per second."""
        self._stop_when = is_done

    def run(self) -> None:
        """Run until a signal, or a fatal error, which is raised."""
        worker = EndingWorker(
            self._app,
            ending=self._stop_all,
            loglevel="CRITICAL",
            quiet=True,
            redirect_stdouts=False,
            override_logging=False,
        )
        try:
            worker.execute_from_commandline()
        except SystemExit as ended:
            if ended.code not in (0, None) and self.fault is None and not worker.was_cut_short:
                cause = ended.__context__
                self.fault = Fatal(f"worker {self.name} ended: {type(cause).__name__}: {cause}")
        except RuntimeError:  # raised by asyncio when its loop is stopped
            if not worker.was_cut_short:
                raise
        finally:
            self._join()
        if self.fault is not None:
            raise self.fault

    @property
    def is_ready(self) -> bool:
        loops = all(loop.is_ready for loop in self._loops)
        return self.fault is None and loops and all(service.is_ready for service in self._services)

    async def _start_all(self) -> None:
        """Start threads and services, after agents have subscribed to their channels: a put before that would
        be lost.
        """
        if self._is_shutting:
            return
        log.enable()  # Faust's logging set-up disables all existing loggers
        self._app.flow_control.resume()  # else channels take nothing: Faust's own consumer would do it
        for loop in self._loops:
            thread = threading.Thread(target=loop.poll_until_stopped, name="poll", daemon=True)
            thread.start()
            self._threads.append(thread)
        self._tasks = [self._guarded(service.run(), service.name) for service in self._services]
        self._tasks.append(self._guarded(self._watch(), "watch"))
        self._tasks.append(self._guarded(self._pulse.run(), "pulse"))
        log.info(
            "worker up",
            name=self.name,
            stages=len(self._loops),
            services=len(self._services),
            web_port=self.web_port,
        )

    def _stop_all(self) -> list[asyncio.Task[None]]:
        """Stop the polling threads before the channels close. Return the tasks that end."""
        self._is_shutting = True
        for loop in self._loops:
            loop.stop()
        for task in self._tasks:
            task.cancel()
        return self._tasks

    def _guarded(self, running: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        async def guard() -> None:
            try:
                await running
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._end(error)

        return asyncio.create_task(guard(), name=name)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            for loop in self._loops:
                if loop.fault is not None:
                    self._end(loop.fault)
            if self._stop_when is not None and self._stop_when():
                self._shut()

    def _end(self, error: BaseException) -> None:
        if self.fault is None:
            self.fault = error
            shown.errors.labels(self.name, shown.FATAL).inc()
            what = error.what if isinstance(error, BongsuError) else type(error).__name__
            log.error("worker stops", name=self.name, why=what)
        self._shut()

    def _shut(self) -> None:
        if self._is_shutting:
            return
        self._is_shutting = True
        signal.raise_signal(signal.SIGTERM)  # Faust's worker handles the signal

    def _join(self) -> None:
        for loop in self._loops:
            loop.stop()
        for thread in self._threads:
            thread.join(10)

    def _pages(self) -> None:
        """Register the web pages. Faust passes the view only to a plain function."""

        def may_see_all(request: Request) -> bool:
            return may_see(request.remote or "", request.headers, os.environ)

        async def healthz(view: View, request: Request) -> Response:
            alive = self.fault is None
            more = {"pulse_ms": self._pulse.at_ms} if may_see_all(request) else {}
            return view.json({"alive": alive, **more}, status=200 if alive else 500)

        async def readyz(view: View, _request: Request) -> Response:
            return view.json({"ready": self.is_ready}, status=200 if self.is_ready else 503)

        async def metrics(view: View, request: Request) -> Response:
            if not may_see_all(request):
                return view.json({"title": "metrics need a key, or a caller on this machine"}, status=401)
            return view.bytes(generate_latest(), content_type=CONTENT_TYPE_LATEST.split(";")[0])

        for path, page in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
            self._app.page(path)(page)

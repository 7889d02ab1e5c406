"""The ``bongsu`` command: a table of names, each loaded when it is called, and one place where errors end."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from deploy.cli.telling import tell
from deploy.faults import UsageFault
from schemas.errors import BongsuError, Unreachable
from schemas.printable import printable

COMMANDS = {
    "bench": "deploy.cli.bench:bench",
    "city": "deploy.cli.city:city",
    "demo": "deploy.cli.demo:demo",
    "dlq": "deploy.cli.dlq:dlq",
    "doctor": "deploy.cli.cluster:doctor",
    "down": "deploy.cli.cluster:down",
    "effects": "deploy.cli.effects:effects",
    "fetch": "deploy.cli.cluster:fetch",
    "key": "deploy.cli.key:key",
    "logs": "deploy.cli.cluster:logs",
    "play": "deploy.cli.play:play",
    "record": "deploy.cli.record:record",
    "replay": "deploy.cli.replay:replay",
    "run": "deploy.cli.run:run",
    "schemas": "deploy.cli.schemas:schemas",
    "situation": "deploy.cli.situation:situation",
    "source": "deploy.cli.source:source",
    "status": "deploy.cli.cluster:status",
    "tail": "deploy.cli.tail:tail",
    "topics": "deploy.cli.topics:topics",
    "up": "deploy.cli.cluster:up",
    "user": "deploy.cli.user:user",
}

USED_WRONGLY, FAILED, UNREACHABLE = 2, 1, 3


class Lazy(click.Group):
    """Loads a command's module only when that command is asked for: ``bongsu --help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            error.message += f" 'bongsu --help' lists all {len(COMMANDS)}."
            raise


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bongsu")
def bongsu() -> None:
    """Bongsu: an event bus for a city's public-safety and mobility agencies.

    Start with:  bongsu demo
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; end with 0 done, 1 failed, 2 used wrongly, 3 something needed cannot be reached."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = bongsu.main(args=list(argv) if argv is not None else None, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)  # click hands back the code of ctx.exit
    except click.ClickException as error:
        error.message = printable(error.message)
        error.show()
        sys.exit(USED_WRONGLY)
    except (KeyboardInterrupt, click.Abort):
        tell("stopped", err=True)
        sys.exit(130)
    except BongsuError as error:
        tell("error: ", fg="red", nl=False, err=True)
        tell(error.what, err=True)
        if error.hint:
            tell("  how to mend it: ", fg="yellow", nl=False, err=True)
            tell(error.hint, err=True)
        sys.exit(code_of(error))


def _terminated(_number: int, _frame: object) -> None:
    """SIGTERM ends a command as Ctrl-C does: what it started is ended on the way out."""
    raise KeyboardInterrupt


def code_of(error: BongsuError) -> int:
    match error:
        case UsageFault():
            return USED_WRONGLY
        case Unreachable():
            return UNREACHABLE
        case _:
            return FAILED

"""The ``bongsu`` command: a table of commands, each loaded when it is called, and the one place where errors end."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from deploy.faults import UsageFault
from deploy.telling import tell
from deploy.tracebacks import hide_secrets_in_tracebacks
from schemas.errors import BongsuError, Unreachable
from schemas.printable import printable


class Entry(NamedTuple):
    """A command: the module and name it is loaded from, and its line in ``bongsu --help``."""

    target: str
    line: str


GROUPS: dict[str, dict[str, Entry]] = {
    "Local cluster": {
        "demo": Entry("deploy.cli.demo:demo", "Play a simulated city through the real parts, and show it."),
        "up": Entry("deploy.cli.cluster:up", "Start Kafka, the schema registry and Redis on this machine."),
        "down": Entry("deploy.cli.cluster:down", "End them; --erase removes their data."),
        "status": Entry("deploy.cli.cluster:status", "Say where these are and whether they answer."),
        "logs": Entry("deploy.cli.cluster:logs", "Print what they log."),
        "fetch": Entry(
            "deploy.cli.cluster:fetch", "Fetch all that 'up' needs, for a machine without a network."
        ),
        "doctor": Entry(
            "deploy.cli.cluster:doctor", "Say what is wrong on this machine, and how to mend it."
        ),
        "completion": Entry("deploy.cli.completion:completion", "Let the shell complete commands at TAB."),
    },
    "City": {
        "city": Entry("deploy.cli.city:city", "List cities, make one of your own, check its file."),
        "run": Entry("deploy.cli.run:run", "Run a city: all stages and live sources, or one stage."),
        "deploy": Entry("deploy.cli.deploy:deploy", "Render units or a compose file for a city."),
        "play": Entry(
            "deploy.cli.play:play", "Feed recordings through a city's sources, on their own clock."
        ),
        "record": Entry("deploy.cli.record:record", "Write what a live source receives to a recording."),
        "source": Entry("deploy.cli.source:source", "Show, try, resume or add sources."),
        "kinds": Entry("deploy.cli.kinds:kinds", "Show the tree of kinds, or what a word means."),
        "topics": Entry("deploy.cli.topics:topics", "Compare the cluster's topics with the catalogue."),
        "schemas": Entry("deploy.cli.schemas:schemas", "Check, compare and register the event schemas."),
    },
    "Data": {
        "tail": Entry("deploy.cli.tail:tail", "Print events as they are committed."),
        "situation": Entry("deploy.cli.situation:situation", "Show what is going on, and why."),
        "dlq": Entry("deploy.cli.dlq:dlq", "Show what was set aside; feed it again after mending."),
        "replay": Entry("deploy.cli.replay:replay", "Run the rules over the journal again, and compare."),
        "audit": Entry("deploy.cli.audit:audit", "Verify the record of who asked to see what."),
    },
    "People": {
        "key": Entry("deploy.cli.key:key", "Give agencies and subscribers keys for the gateway."),
        "user": Entry("deploy.cli.user:user", "Give operators roles and keys."),
        "sharing": Entry(
            "deploy.cli.sharing:sharing", "Hold the cluster to the agreements by which agencies share."
        ),
        "subscription": Entry(
            "deploy.cli.subscription:subscription", "Deliver situations, alerts and grants to subscribers."
        ),
    },
    "Measure": {
        "effects": Entry("deploy.cli.effects:effects", "Print alert load and response times of a period."),
        "bench": Entry("deploy.cli.bench_chargers:bench", "Run a benchmark."),
    },
}
COMMANDS = {name: entry for commands in GROUPS.values() for name, entry in commands.items()}

USED_WRONGLY, FAILED, UNREACHABLE = 2, 1, 3


class Lazy(click.Group):
    """Loads a command's module only when that command is asked for: ``--help`` and TAB stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].target.split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.line) for name, entry in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table: click would load every command for its help."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=COMMANDS[name].line) for name in names), *options]

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
    hide_secrets_in_tracebacks()
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

"""A group of commands: one line for each in its help, whole."""

from __future__ import annotations

import click

NEVER_CUT = 10_000


class Group(click.Group):
    """Lists its commands with the first sentence of each. Click would cut it to the width of the terminal."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(NEVER_CUT)) for name, one in commands if one is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

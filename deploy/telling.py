"""Words of a command: the one way to standard output and standard error. Nothing in them commands a terminal."""

from __future__ import annotations

import sys

import click

from deploy.show import in_colour
from schemas.printable import printable


def tell(words: str = "", *, err: bool = False, nl: bool = True, fg: str | None = None) -> None:
    """Print *words*, JSON too: a reader of that gets the same texts back. *fg* is their colour on a terminal."""
    click.secho(printable(words), err=err, nl=nl, fg=fg)


def tell_event(words: str, contract: str) -> None:
    """Print *words* about an event of *contract*, on a terminal in its colour."""
    click.echo(in_colour(printable(words), contract, colour=sys.stdout.isatty()))

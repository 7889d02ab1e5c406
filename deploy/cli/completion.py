"""``bongsu completion``: the shell completes commands and options at TAB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from deploy.cli.group import Group
from deploy.faults import UsageFault
from deploy.telling import tell

PLACES = {
    "bash": ".local/share/bash-completion/completions/bongsu",
    "zsh": ".local/share/zsh/site-functions/_bongsu",
    "fish": ".config/fish/completions/bongsu.fish",
}
"""Under the home folder; bash-completion and fish look there by themselves."""


@click.group(cls=Group)
def completion() -> None:
    """Let the shell complete commands at TAB.

    \b
    Example:  bongsu completion install --shell bash
    """


@completion.command()
@click.option("--shell", type=click.Choice(sorted(PLACES)), help="instead of the one that $SHELL names")
def install(shell: str | None) -> None:
    """Install completion for bash, zsh or fish in your home folder.

    Running it again replaces the file.

    \b
    Example:  bongsu completion install --shell bash
    """
    chosen = shell or Path(os.environ.get("SHELL", "")).name
    if chosen not in PLACES:
        raise UsageFault(
            f"there is no completion for the shell {chosen or '(none named by $SHELL)'}",
            hint="name one of bash, fish and zsh: bongsu completion install --shell bash",
        )
    path = Path.home() / PLACES[chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_script(chosen), encoding="utf-8")
    tell(f"written: {path}")
    if chosen == "zsh":
        tell(f"add to ~/.zshrc, before compinit:  fpath=({path.parent} $fpath)", err=True)
    tell("it holds from the next shell on", err=True)


def _script(shell: str) -> str:
    """The script that click writes for *shell*."""
    environment = os.environ | {"_BONGSU_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-c", "from deploy.cli import bongsu; bongsu(prog_name='bongsu')"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout:
        raise UsageFault(
            f"{shell} cannot be completed: {done.stderr.strip() or 'it is too old'}",
            hint="bash 4.4 or newer is needed",
        )
    return done.stdout

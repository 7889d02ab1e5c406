"""``bongsu kinds``: the tree of kinds, and what a word means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from deploy.faults import UsageFault
from deploy.telling import tell

if TYPE_CHECKING:
    from deploy.kind_search import Meaning


@click.command()
@click.argument("words", metavar="[WORD]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="one kind or word a line, as JSON")
def kinds(words: tuple[str, ...], as_json: bool) -> None:
    """Show the tree of kinds, or what WORD means.

    WORD is a kind (fire), or an agency's word in any language of the tables. It is looked up in every agency's table and by
    its parts; near words are shown too, each with its kind and the table that has it.

    \b
    Example:  bongsu kinds gas leek
    """
    from deploy.kind_search import below, meanings
    from schemas.kinds import load_kinds

    if not words:
        for kind in load_kinds().names:
            _tell_kind(kind, as_json=as_json)
        return
    word = " ".join(words)
    tree, found = below(word.strip().casefold()), meanings(word)
    if not tree and not found:
        raise UsageFault(
            f"no known word is like {word[:60]!r}",
            hint="see all kinds: bongsu kinds; map the word under kinds = { … } of its source, in the city's file",
        )
    for kind in tree:
        _tell_kind(kind, as_json=as_json)
    for one in found:
        _tell_meaning(one, as_json=as_json)


def _tell_kind(kind: str, *, as_json: bool) -> None:
    from schemas.kinds import load_kinds

    names = load_kinds().names[kind]
    if as_json:
        tell(orjson.dumps({"kind": kind, "names": names}).decode())
        return
    shown = "  " * kind.count(".") + kind
    tell(f"{shown:34}", fg="cyan" if "." in kind else "green", nl=False)
    tell(f"  {names['en']} · {names['ko']}")


def _tell_meaning(one: Meaning, *, as_json: bool) -> None:
    if as_json:
        told = {"word": one.word, "kind": one.kind, "where": one.where, "likeness": one.likeness}
        tell(orjson.dumps(told).decode())
        return
    is_near = one.likeness < 1
    tell(f"{'near' if is_near else 'means':6}", fg="yellow" if is_near else "green", nl=False)
    tell(f"{one.word:34}  {one.kind:26}  {one.where}")

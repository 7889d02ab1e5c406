"""``bongsu replay``: the rules over the journal again, with the mouths muted."""

from __future__ import annotations

import sys
import time

import click
import orjson

from deploy.city import load_city
from deploy.platform import Platform, reach
from deploy.show import event_line, progress_of
from deploy.times import epoch_ms
from schemas.catalogue import load_catalogue, topic_name
from schemas.json_form import to_json_value
from streams.replay import replayed, verify


@click.command()
@click.argument("city_name", metavar="CITY")
@click.option(
    "--verify", "is_verify", is_flag=True, help="compare with what was answered then, byte for byte"
)
@click.option("--from", "from_text", metavar="TIME", help="show answers from here on (ISO 8601)")
@click.option("--to", "to_text", metavar="TIME", help="stop there (ISO 8601)")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="times real time (default: as fast as it goes)",
)
@click.option("--json", "as_json", is_flag=True, help="answers as JSON lines")
def replay(
    city_name: str,
    is_verify: bool,
    from_text: str | None,
    to_text: str | None,
    speed: float | None,
    as_json: bool,
) -> None:
    """Run the rules over CITY's recorded journal. Nothing is published.

    With --verify: exit code 0 when every answer is the same to the byte (after the framing's five), else 1.

    Example:  bongsu replay houston --verify
    """
    city = load_city(city_name)
    platform = reach()
    if is_verify:
        _verify(city.name, platform)
        return
    last_ms: int | None = None
    answers = replayed(
        city.name,
        bootstrap=platform.kafka,
        wire=platform.wire,
        from_ms=epoch_ms(from_text) if from_text else None,
        to_ms=epoch_ms(to_text) if to_text else None,
    )
    for _sequence, event in answers:
        value = to_json_value(load_catalogue()[event.topic].newest, event.value or {})
        now_ms = int((event.value or {})["received_time"])
        if speed is not None and last_ms is not None:
            time.sleep(max(0, now_ms - last_ms) / 1000 / speed)
        last_ms = now_ms
        shown = {"topic": topic_name(city.name, event.topic), "key": event.key, "value": value}
        click.echo(orjson.dumps(shown).decode() if as_json else event_line(shown, colour=sys.stdout.isatty()))


def _verify(city: str, platform: Platform) -> None:
    with progress_of(f"replaying {city}") as progress:
        verdict = verify(
            city,
            bootstrap=platform.kafka,
            wire=platform.wire,
            progress=lambda count: progress.step(f"entry {count}", 1),
        )
    counts = ", ".join(f"{count} {topic}" for topic, count in sorted(verdict.answers.items())) or "no answers"
    click.echo(f"{verdict.entries} journal entries, {counts}: ", nl=False)
    if verdict.different:
        click.secho(f"{verdict.different} differ", fg="red")
        for difference in verdict.differences:
            click.echo(f"  {difference}")
        raise click.exceptions.Exit(1)
    click.secho("byte-identical", fg="green")

"""`onhand demo`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
from onhand.cli import alone

if TYPE_CHECKING:
    from onhand.supervise import Processes
    from rich.console import Console

    from onhand_demo.founding import Founded
    from onhand_demo.options import Options

PORT = 8000


@click.command()
@click.option("--check", is_flag=True, help="Judge the run and end, instead of serving the site.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object, the last line.")
@click.option(
    "--events", type=click.IntRange(4_000, 500_000), default=80_000, show_default=True, help="How many to send."
)
@click.option("--senders", type=click.IntRange(1, 32), default=4, show_default=True, help="Tills that send at once.")
@click.option("--seed", type=int, default=2017, show_default=True, help="One seed, one run.")
@click.option("--port", type=click.IntRange(1, 65_535), help=f"Default {PORT}; with --check any that is free.")
@alone
def demo(*, check: bool, as_json: bool, events: int, senders: int, seed: int, port: int | None) -> None:
    """Replay a real grocer's year against a site of its own, judge the site, and serve it until Ctrl-C.

    Brings its own empty database and queue unless DATABASE_URL and REDIS_URL are set. Exits with 1 when a promise was
    broken or a kind of exception never occurred.
    """
    from rich.console import Console

    from onhand_demo.options import Options

    console = Console(stderr=True)
    options = Options(seed=seed, events=events)
    kept = _run(console, options, senders=senders, port=port, check=check, as_json=as_json)
    raise SystemExit(0 if kept else 1)


def _run(console: Console, options: Options, *, senders: int, port: int | None, check: bool, as_json: bool) -> bool:
    from stamina.instrumentation import set_on_retry_hooks

    from onhand_demo import result, stage, stream, verdict, world
    from onhand_demo.corrections import ask_for_corrections
    from onhand_demo.founding import found
    from onhand_demo.journey import Journey
    from onhand_demo.performance import Performance

    # Retries are counted and shown at the end; a line on the terminal for each would bury the progress.
    set_on_retry_hooks(())
    begun = time.monotonic()
    port = stage.port_to_use(port if check else port or PORT)
    with console.status("reading a year of tills"):
        retailer = world.build(Journey(), options)
        plan = stream.plan(retailer, options)
    with ExitStack() as stack:
        with console.status("starting database and queue"):
            backing = stack.enter_context(stage.backing_services())
            environment = stage.site_environment(backing.addresses)
            stack.enter_context(stage.prepared(environment).app_context())
        with console.status(f"entering {len(retailer.items):,} items, {len(retailer.locations)} locations, channels"):
            founded = found(retailer)
        with console.status("starting web, worker and scheduler"):
            processes = stack.enter_context(stage.site(environment, port=port, minding=backing.services))
        performance = Performance(retailer, plan, founded, f"http://127.0.0.1:{port}", senders, options.seed, console)
        performance.play()
        promises = verdict.promises(performance, postgres_log=backing.postgres_log)
        asked = ask_for_corrections(founded, options.seed)
        facts = performance.facts | {
            "corrections posted, waiting": f"{asked['posted']}, {asked['waiting']}",
            "seconds in all": time.monotonic() - begun,
        }
        result.show(console, "The demo", facts, promises)
        if as_json:
            click.echo(performance.figures.as_json())
        if not check:
            _serve(console, processes, port, founded)
        return all(promise.kept for promise in promises)


def _serve(console: Console, processes: Processes, port: int, founded: Founded) -> None:
    """Keep the site up until Ctrl-C, or until it cannot be kept up."""
    console.print(f"\nThe site is at [bold]http://127.0.0.1:{port}[/] until Ctrl-C. Sign in as")
    for login in founded.logins:
        console.print(
            f"  [bold]{login.username}[/]  password [bold]{login.password}[/]  ({login.what})", highlight=False
        )
    try:
        while (ended := processes.wait(1.0)) is None:
            pass
        raise ended
    except KeyboardInterrupt:
        console.print("stopping")

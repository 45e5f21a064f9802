"""`make bench`: what the suite does a second, beside what raw PostgreSQL does in the same run.

Every figure is a median over alternating rounds (raw, ours, ours, raw, …) on one cluster, on real sockets where the
arm says http, with fsync and synchronous_commit on. Ratios are of medians. See docs/performance.md for how to read it.
"""

import json
import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from onhand.supervise import orderly_exit
from rich.console import Console
from rich.table import Table

from bench import arms
from bench.measure import Figure, Growth, Plan
from bench.report import COLUMNS, machine, markdown
from bench.stage import ITEMS, stage

console = Console(stderr=True)


@click.command()
@click.option("--only", "only", multiple=True, metavar="NAME", help="Arms whose name starts so; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")
@click.option("--markdown", "as_markdown", is_flag=True, help="The block of docs/performance.md instead of a table.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Alternating rounds per arm.")
@click.option(
    "--seconds", default=3.0, show_default=True, type=click.FloatRange(0.1), help="Length of one side of one."
)
@click.option("--callers", "callers", multiple=True, type=int, help="Only these numbers of callers; may be repeated.")
@click.option("--large", is_flag=True, help="Also growth.*: takes minutes and some GB.")
@click.option("--holds", default=1_000_000, show_default=True, type=int, help="Open holds of growth.*.")
@click.option("--entries", default=10_000_000, show_default=True, type=int, help="Ledger entries of growth.*.")
@click.option("--items", default=ITEMS, show_default=True, type=click.IntRange(1_100), help="Items of the shop.")
@click.option("--list", "list_only", is_flag=True, help="Print the arms' names.")
def bench(
    only: tuple[str, ...],
    as_json: bool,
    as_markdown: bool,
    rounds: int,
    seconds: float,
    callers: tuple[int, ...],
    large: bool,
    holds: int,
    entries: int,
    items: int,
    list_only: bool,
) -> None:
    """Measure the arms and print them."""
    chosen = [arm for arm in arms.every(large=large) if not only or arm.name.startswith(only)]
    if list_only:
        click.echo("\n".join(arm.name for arm in chosen))
        return
    if not chosen:
        raise click.UsageError(f"no arm starts with {' or '.join(only)}; see --list (growth.* need --large)")
    plan = Plan(rounds=rounds, seconds=seconds, callers=callers, growth=Growth(holds, entries))
    began = machine()
    console.print(f"[bold]{began}[/]")
    figures: list[Figure] = []
    with orderly_exit(), stage(items) as place:
        for arm in chosen:
            for figure in arm.run(place, plan):
                figures.append(figure)
                if as_json:
                    click.echo(json.dumps(figure.plain()))
                console.print(figure.line(), markup=False, highlight=False, soft_wrap=True)
    if as_markdown:
        click.echo(markdown(figures, began, sys.argv[1:]))
    elif not as_json:
        print_table(figures, began)


def print_table(figures: list[Figure], title: str) -> None:
    """Print all figures at once."""
    table = Table(*COLUMNS, title=title)
    for figure in figures:
        table.add_row(*figure.row())
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    bench()

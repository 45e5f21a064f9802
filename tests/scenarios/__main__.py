"""`make scenario`: ten thousand stories of the last unit, told through the suite's doors and judged at every step.

Every story is one interleaving: on-line orders for same-day pick-up, customers in the fitting room and at a till that
posts late, a marketplace that tells in delayed batches, a store that counts by hand. `audit` says what must hold.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from onhand.addons import discover
from onhand.logs import configure
from onhand.supervise import orderly_exit
from onhand.testing import services
from onhand.testing.site import Sites
from onhand_stock.testing import differences
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scenarios.audit import report
from scenarios.day import Day, live
from scenarios.doors import Doors, Store, open_store
from scenarios.over_http import OverHttp
from scenarios.real import Verbs

DAY_STORIES, HTTP_STORIES = 500, 10
TOLD_MAX = 3


@click.command()
@click.option("--count", "how_many", default=10_000, show_default=True, type=click.IntRange(1), help="Stories.")
@click.option("--seed", default=7, show_default=True, help="Same seed and numbers, same stories.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="The number of the first story.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def scenario(how_many: int, seed: int, first: int, as_json: bool) -> None:
    """Tell stories and judge them. Exits with 1 when one ends badly, and tells it."""
    console = Console(stderr=True)
    started = time.monotonic()
    total = Day()
    with orderly_exit(), stage() as store, _progress(console) as progress:
        task = progress.add_task("stories", total=how_many)
        ways: tuple[Doors, Doors] = (Verbs(store), OverHttp(store))
        for begins in range(first, first + how_many, DAY_STORIES):
            numbers = range(begins, min(begins + DAY_STORIES, first + how_many))
            over_http = len(numbers) * HTTP_STORIES // DAY_STORIES
            for doors, chosen in zip(ways, (numbers[over_http:], numbers[:over_http]), strict=True):
                if chosen:
                    day = live(doors, seed, chosen)
                    total += day
                    progress.advance(task, len(chosen))
                    if not console.is_terminal:
                        console.print(f"{total.stories} of {how_many} stories, {len(total.findings)} findings")
                    if day.findings:
                        again = f"make scenario ARGS='--seed {seed} --first {begins} --count {len(numbers)}'"
                        console.print(f"{report(day.findings, TOLD_MAX)}\n\nagain: {again}", markup=False)
        broken = store.site.transact(differences)
    for one in broken:
        console.print(f"{one}", markup=False)
    _tell(total, len(broken), seed, time.monotonic() - started, as_json=as_json)
    sys.exit(1 if total.findings or broken else 0)


@contextmanager
def stage() -> Iterator[Store]:
    """Open the store on services of our own, and leave nothing behind."""
    with tempfile.TemporaryDirectory() as folder, services.own() as addresses:
        sites = Sites(addresses, worker="0", meeting=Path(folder))
        try:
            site = sites.site(discover())
            configure("console", "warning")
            [entity] = site.found(["A"], disabled={})
            yield open_store(site, entity)
        finally:
            sites.close()


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console)


def _tell(day: Day, broken: int, seed: int, seconds: float, *, as_json: bool) -> None:
    figures = {
        "stories": day.stories, "seed": seed, "findings": len(day.findings), "violations": broken,
        "seconds": round(seconds, 1), "seen": dict(day.seen.most_common()),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(figures))
        return
    for what, times in day.seen.most_common():
        click.echo(f"{times:>8}  {what}")
    click.echo(
        f"{day.stories} stories of seed {seed} in {seconds:.0f} s: {len(day.findings)} findings, {broken} broken laws"
    )


if __name__ == "__main__":
    scenario()

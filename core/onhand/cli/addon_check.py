"""`onhand addon check`: whether an installed add-on keeps to what is asked of every one, as far as no database is needed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from onhand.cli.exits import REFUSED, Refused
from onhand.cli.output import as_json_option, show

if TYPE_CHECKING:
    from onhand.addons import Addon, Installed
    from onhand.contract import Subject

__all__ = ["check"]


@click.command()
@click.argument("package")
@click.option("--keep-samples", is_flag=True, help="First write a sample of each payload whose present shape has none.")
@as_json_option
def check(package: str, keep_samples: bool, as_json: bool) -> None:
    """Check an installed add-on, named by its distribution, package or noun: names, hooks, payloads, help, pages, API.

    Says of every check whether it is kept and what to do where not; needs neither database nor Redis. What only shows
    in a database, the add-on's own tests check: subclass AddonContract.
    """
    rows = [*_rows(package, keep_samples=keep_samples)]
    if as_json:
        show(rows, as_json=True)
    else:
        for row in rows:
            click.echo(f"{'ok    ' if row['is_kept'] else 'failed'}  {row['check']}")
            for fault in row["faults"]:
                click.echo(f"          {fault}")
            if not row["is_kept"]:
                click.echo(f"        → {row['advice']}")
        click.echo(f"{sum(row['is_kept'] for row in rows)} of {len(rows)} checks are kept")
    if not all(row["is_kept"] for row in rows):
        raise SystemExit(REFUSED)


def _rows(package: str, *, keep_samples: bool) -> Iterator[dict[str, Any]]:
    from onhand.addons import survey
    from onhand.contract import CHECKS, payloads

    found = survey()
    addon = _find(package, found)
    advice = "mend what stops the start; the other checks come after it"
    try:
        subject = _look_at(addon)
    except Exception as error:  # whatever an add-on may raise at the start is what is to be told
        yield _row("it starts with what it requires", advice, [f"{type(error).__name__}: {error}"])
        return
    yield _row("it starts with what it requires", advice, [])
    if keep_samples:
        try:
            payloads.keep(subject)
        except (payloads.NoSample, OSError) as error:
            raise Refused(str(error)) from error
    for each in CHECKS:
        try:
            faults = [*each.faults(subject)]
        except Exception as error:
            faults = [f"{type(error).__name__}: {error}"]
        yield _row(each.name, each.advice, faults)


def _look_at(addon: "Addon") -> "Subject":
    from onhand.addons import survey
    from onhand.contract import among, look_at

    return look_at(addon.noun, among(addon.noun, survey().addons))


def _find(package: str, found: "Installed") -> "Addon":
    from packaging.utils import canonicalize_name

    name = canonicalize_name(package)
    for addon in found.addons:
        if name in {canonicalize_name(each) for each in (addon.distribution, addon.package, addon.noun)}:
            return addon
    for fault in found.faults:
        if name == canonicalize_name(fault.noun):
            raise Refused(str(fault))
    there = ", ".join(addon.distribution for addon in found.addons) or "none"
    raise Refused(f"no installed add-on is called {package}; there are {there}")


def _row(name: str, advice: str, faults: list[str]) -> dict[str, Any]:
    return {"check": name, "is_kept": not faults, "faults": faults, "advice": advice if faults else ""}

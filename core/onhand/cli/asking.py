"""What several commands ask for: entities by their code, moments, and who is at the keyboard."""

import getpass
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from onhand import clocks
from onhand.actors import Actor
from onhand.entities import entity_codes

__all__ = ["Moment", "at_option", "entity_ids", "entity_option", "operator"]

F = TypeVar("F", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A point in time with its offset from UTC, as ISO 8601 writes it; with a zone, that zone's where none is given."""

    name = "moment"

    def __init__(self, zone: str | None = None) -> None:
        self._zone = zone

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment; a usage error for what is none."""
        if isinstance(value, datetime):
            return value
        try:
            return clocks.instant(value) if self._zone is None else clocks.moment(value, self._zone)
        except clocks.NoMoment as wrong:
            self.fail(f"{value!r} is no moment: {wrong}", param, ctx)


def operator() -> Actor:
    """Return whom to record for what is done by hand at the command line: the OS user."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor.system(f"cli:{name}")


def entity_ids(session: Session, codes: Iterable[str]) -> list[int]:
    """Return the ids of entities by their codes; a usage error naming the known ones for a code that is none."""
    known = {code: id_ for id_, code in entity_codes(session).items()}
    wanted = list(codes)
    for code in wanted:
        if code not in known:
            raise click.UsageError(f"there is no entity {code!r}; known: {', '.join(known) or 'none'}")
    return [known[code] for code in wanted]


def entity_option(*, many: bool = False, required: bool = True, help: str) -> Callable[[F], F]:  # noqa: A002 - click's word
    """Add `--entity CODE`, to be repeated if `many`."""
    name = "entities" if many else "entity"
    return click.option("--entity", name, multiple=many, required=required, metavar="CODE", help=help)


def at_option(command: F) -> F:
    """Add `--from MOMENT`, with its offset from UTC."""
    return click.option(
        "--from",
        "effective_from",
        type=Moment(),
        help="Takes effect then, say 2027-01-01T00:00:00+01:00.",
    )(command)

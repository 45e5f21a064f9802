"""Enablement: where an add-on is off, nothing of it is seen, called or written."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from onhand.addons import Addons

__all__ = ["hook_faults", "rows_of"]

Ask = Callable[..., list[tuple[Any, ...]]]


def hook_faults(addons: Addons, noun: str, on: int, off: int, now: datetime) -> list[str]:
    """Return hooks by which an add-on would act where it is off, or would not where it is on."""
    return list(_hook_faults(addons, noun, on, off, now))


def _hook_faults(addons: Addons, noun: str, on: int, off: int, now: datetime) -> Iterator[str]:
    for caller in addons.manager.get_hookcallers(addons.manager.get_plugin(noun)) or ():
        for entity_id, wanted in ((on, True), (off, False)):
            found = addons.caller(caller.name, entity_id, now)
            is_called = found is not None and noun in {impl.plugin_name for impl in found.get_hookimpls()}
            if is_called != wanted:
                yield f"{caller.name} is {'' if is_called else 'not '}called where the add-on is {'on' if wanted else 'off'}"


def rows_of(ask: Ask, tables: Iterable[Table], entity_id: int | None) -> dict[str, int]:
    """Return how many rows an entity has in each of the entity tables that has any; None counts every table whole."""
    where, values = ("", ()) if entity_id is None else (" WHERE entity_id = %s", (entity_id,))
    counted = {
        table.fullname: ask(f"SELECT count(*) FROM {table.fullname}{where}", *values)[0][0]
        for table in tables
        if entity_id is None or table.info.get("scope") == "entity"
    }
    return {name: rows for name, rows in counted.items() if rows}

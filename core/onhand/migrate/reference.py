"""Mirror what code declares into tables, so that SQL can check rows against it."""

from sqlalchemy import Connection

from onhand.addons.faults import BrokenAddon, blame
from onhand.addons.registry import Addons
from onhand.contributions import ReferenceRows

__all__ = ["mirror"]


def mirror(connection: Connection, addons: Addons) -> dict[str, str]:
    """Insert or update the reference rows that add-ons declare, in dependency order, and commit.

    Return why the rows of some could not be: each has all of its own written, or none.
    """
    failed: dict[str, str] = {fault.noun: fault.reason for fault in addons.faults}
    for noun in addons.implementers("reference_rows"):
        try:
            with blame(noun, "when its reference rows were written"), connection.begin_nested():
                for rows in addons.gather_from(noun, "reference_rows", addons=addons):
                    _upsert(connection, rows)
        except BrokenAddon as broken:
            failed[noun] = broken.fault.reason
    connection.commit()
    return failed


def _upsert(connection: Connection, declared: ReferenceRows) -> None:
    if not declared.rows:
        return
    names = list(declared.rows[0])
    others = [name for name in names if name not in declared.key]
    action = "NOTHING" if not others else "UPDATE SET " + ", ".join(f"{other} = excluded.{other}" for other in others)
    listed = ", ".join(f"%({name})s" for name in names)
    for row in declared.rows:
        connection.exec_driver_sql(
            f"INSERT INTO {declared.table} ({', '.join(names)}) VALUES ({listed}) "
            f"ON CONFLICT ({', '.join(declared.key)}) DO {action}",
            row,
        )

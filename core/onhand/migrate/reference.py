"""Mirror what code declares into tables, so that SQL can check rows against it."""

from sqlalchemy import Connection

from onhand.addons.registry import Addons
from onhand.contributions import ReferenceRows

__all__ = ["mirror"]


def mirror(connection: Connection, addons: Addons) -> None:
    """Insert or update the reference rows that add-ons declare, in dependency order."""
    for rows in addons.gather("reference_rows", addons=addons):
        _upsert(connection, rows)


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

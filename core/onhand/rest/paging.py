"""Keyset pages: a cursor names the last row seen, is signed, and fits only the list it came from."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import msgspec
from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlakeyset import BadBookmark, InvalidPage, select_page, unserialize_bookmark
from sqlakeyset.paging import prepare_paging
from sqlalchemy import Row, Select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from onhand import problems

__all__ = ["LIMIT_DEFAULT", "LIMIT_MAX", "Narrow", "Page", "page"]

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
Narrow = Callable[[Select[Any]], Select[Any]]
"""Takes a part of a list, in the list's order, to those of its rows that may be on the page at hand."""
NOT_PART_OF_THE_FILTER = frozenset({"cursor", "limit"})


class Page(TypedDict):
    """Rows in order, and the cursor of those that follow; None when these were the last."""

    items: Sequence[Row[Any]]
    next: str | None


def page(
    session: Session,
    select: Select[Any] | Callable[[Narrow], Select[Any]],
    keys: Sequence[ColumnElement[Any]],
    cursor: str | None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Return the rows of a query after a cursor, ordered by `keys`, which must be unique together and never null.

    Rows added or removed meanwhile shift nothing. A cursor that was altered, or belongs to another address or filter,
    is Malformed. A list that is put together from parts is a function: what it is handed narrows each part to a page.
    """
    if not 1 <= limit <= LIMIT_MAX:
        message = f"from 1 to {LIMIT_MAX}"
        raise problems.Invalid(errors=[problems.field_error("limit", message, limit)])
    place = _read(cursor) if cursor else None
    try:
        listed = select if isinstance(select, Select) else select(_narrow(session, keys, place, limit))
        found = select_page(session, listed.order_by(None).order_by(*keys), per_page=limit, page=place)
    except (BadBookmark, InvalidPage) as error:
        raise problems.Malformed(f"this cursor does not fit: {error}") from None
    paging = found.paging
    return Page(items=list(found), next=_write(paging.bookmark_next) if paging.has_next else None)


def _narrow(session: Session, keys: Sequence[ColumnElement[Any]], place: Any, limit: int) -> Narrow:
    after, backwards = place or (None, False)
    dialect = session.get_bind().dialect

    def narrow(part: Select[Any]) -> Select[Any]:
        ordered = part.order_by(None).order_by(*keys)
        return prepare_paging(ordered, limit, after, backwards, orm=False, dialect=dialect).select

    return narrow


def _read(cursor: str) -> Any:
    try:
        bookmark, filters = _serializer().loads(cursor)
    except (BadSignature, ValueError):
        raise problems.Malformed("this cursor was not made here, or was altered") from None
    if filters != _filters():
        raise problems.Malformed("this cursor belongs to another list or filter")
    return unserialize_bookmark(bookmark)


def _write(bookmark: str) -> str:
    written: str | bytes = _serializer().dumps([bookmark, _filters()])
    return written if isinstance(written, str) else written.decode()


def _filters() -> str:
    """Return a digest of the address and everything that narrows the list; a form's empty fields do not."""
    given = request.args.items(multi=True)
    pairs = sorted((name, value) for name, value in given if value and name not in NOT_PART_OF_THE_FILTER)
    return hashlib.sha256(msgspec.json.encode([request.path, pairs])).hexdigest()[:16]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="onhand.cursor")

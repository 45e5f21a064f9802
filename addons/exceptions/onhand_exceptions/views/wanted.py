"""What a request wants of the list: its tab and filter text, read with the words that are known here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlencode

from babel.numbers import get_currency_precision
from flask import url_for
from sqlalchemy.orm import Session

from onhand_exceptions import filtering, kinds, lookups
from onhand_exceptions.filtering import BadToken, Filter, Vocabulary
from onhand_exceptions.views.asking import me, reach

__all__ = ["TABS", "Known", "known_words", "list_href", "narrowed", "tab_of"]

TABS: tuple[filtering.Tab, ...] = get_args(filtering.Tab)


@dataclass(frozen=True, slots=True)
class Known:
    """The words of this request: kinds with their labels, entities by code, and the digits of their currencies."""

    kinds: Mapping[str, str]
    entities: Mapping[str, int]
    digits: Mapping[int, int]
    currency: str
    vocabulary: Vocabulary


def known_words(session: Session, now: datetime) -> Known:
    """Return what the words of a filter may be for whoever asks."""
    within = tuple(reach())
    rows = lookups.entities_of(session, within)
    labels = {name: kind.label for id_ in within for name, kind in kinds.known(session, id_, now).items()}
    entities = {row.code: row.id for row in rows}
    return Known(
        kinds=labels,
        entities=entities,
        digits={row.id: get_currency_precision(row.currency) for row in rows},
        currency=rows[0].currency if rows else "",
        vocabulary=lookups.vocabulary(session, labels, entities, me()),
    )


def tab_of(name: Any, default: filtering.Tab = "review") -> filtering.Tab:
    """Return a tab by its name; anything else is the default."""
    found: filtering.Tab = name if name in TABS else default
    return found


def narrowed(text: str, tab: filtering.Tab, known: Known) -> tuple[Filter, BadToken | None]:
    """Return the filter a text means on a tab; with a token that cannot be meant, the tab alone and the complaint."""
    start = Filter(tab=tab, me=known.vocabulary.me)
    try:
        return filtering.parse(text, known.vocabulary, start), None
    except BadToken as complaint:
        return start, complaint


def list_href(text: str, tab: str | None = "open") -> str:
    """Return the address of the list that a filter text leaves on a tab."""
    query = {name: value for name, value in (("tab", tab), ("q", text)) if value}
    return f"{url_for('exceptions.inbox')}?{urlencode(query)}"

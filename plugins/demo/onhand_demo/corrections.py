"""What the people of a store ask to have corrected, once the run is judged: work for those who approve, and a past to try on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs
from onhand.actors import Actor
from onhand.transaction import run
from onhand_stock.api import Adjust, Adjusted, BalanceRow, NotAdjusted, adjust, balances
from sqlalchemy.orm import Session

from onhand_demo.founding import Founded, Login

ASKED = 36
SHELVES_MAX = 2_000
SMALL, LARGE = 3, 30
"""Units of a small correction, and of a large one, at most."""
EVERY_NTH_IS_LARGE = 4
BY_CLERK = 3
"""Every so many requests one comes from the clerk, of whom none is done at once."""
SAID = (
    ("damage", -1, "carton crushed, leaking"), ("shrinkage", -1, "not on the shelf, searched twice"),
    ("theft", -1, "empty packaging found"), ("damage", -1, "past its date"), ("found", 1, "behind the freezer"),
    ("found", 1, "in the wrong aisle"),
)  # fmt: skip


def ask_for_corrections(founded: Founded, seed: int) -> Counter[str]:
    """Ask for some corrections at the manager's store, and return how many came to what: posted, waiting and so on."""
    manager, clerk = founded.login("manager"), founded.login("clerk")
    entity_id, location_id = founded.store

    def command(session: Session, now: datetime) -> Sequence[Adjusted | NotAdjusted]:
        shelves = balances(session, [entity_id], location_ids=[location_id], limit=SHELVES_MAX)
        wanted = _plan(shelves, random.Random(f"corrections {seed}"))  # noqa: S311 (repeatable, not secret)
        answers: list[Adjusted | NotAdjusted] = []
        for login, is_clerk in ((manager, False), (clerk, True)):
            own = [request for number, request in enumerate(wanted) if (number % BY_CLERK == 0) is is_clerk]
            sent = [structs.replace(request, is_trusted=not is_clerk) for request in own]
            answers += adjust(session, sent, by=_actor(login), now=now, source="demo")
        return answers

    answers = run(command, entities=[entity_id])
    return Counter(answer.status if isinstance(answer, Adjusted) else "refused" for answer in answers)


def _plan(shelves: Sequence[BalanceRow], chance: random.Random) -> list[Adjust]:
    """Plan small corrections of most shelves chosen, and large ones of some; nothing is missing that is not there."""
    chosen = chance.sample(shelves, min(ASKED, len(shelves)))
    requests = []
    for number, row in enumerate(chosen):
        units = chance.randint(1, LARGE if number % EVERY_NTH_IS_LARGE == 0 else SMALL)
        reason, sign, note = chance.choice([said for said in SAID if said[1] > 0 or row.states["available"] >= units])
        requests.append(
            Adjust(
                UUID(int=chance.getrandbits(128), version=4), row.entity_id, row.item_id, row.location_id, "available",
                row.states["available"], sign * units, reason, note,
            )
        )  # fmt: skip
    return requests


def _actor(login: Login) -> Actor:
    return Actor("user", login.user_id, login.what.capitalize(), login.user_id)

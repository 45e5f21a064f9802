"""The audit: what must hold at every step of a story, and at its end. It knows the truth and what was told, no more.

**No unit is promised twice.** At the moment a unit is promised, the units promised, this one included, are no more than
the book was told to be there; and then, until its promise ends, the book keeps it in `reserved`, beside `available`.
More cannot be asked: what left may be told later, and is never refused; then the promises exceed what is there by
exactly the `shortage`, which names it. Nor is anything refused that was there to promise.

**The book is what it was told.** On hand is the last count and what happened since, or all that happened if nobody
counted, in whatever order it was told. This needs nothing of how the suite keeps its books.

Where units lie that no delivery note named, a count may agree with the book though a sale is untold. Told then, it
takes the book below what was counted: for such items the book may differ, and whenever it did, the exception says so.

**Every conflict is one exception.** Whoever wanted a unit and could not have it, and whatever left that the book did
not have: all of one item's are evidence of one exception, each once, with the document that took what was not there. The
store's manager owns it. Without a conflict there is none.

**At the end** no promise is open, and the book says what is on the shelf, or an open exception names the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from scenarios.asks import Answer, Ask, Granted, Hold
from scenarios.doors import Book, Record
from scenarios.story import STORE, Story

__all__ = ["RULES", "Finding", "after", "at_the_end", "at_the_grant", "report"]

RULES = (
    "promised twice",
    "refused what was there",
    "promises not kept",
    "promise left open",
    "promise ended twice",
    "a state below zero",
    "book is not what was told",
    "book was not what was counted, and nobody was told",
    "shelf and book differ, and nobody knows",
    "not exactly one exception",
    "exception without conflict",
    "exception without owner",
    "exception tells another story",
    "exception closed too soon",
)
DOUBT = "late_fact_after_count"
SETTLED = {"fulfilled", "released", "expired"}


@dataclass(frozen=True)
class Finding:
    """A rule that a story saw broken."""

    rule: str
    what: str
    story: Story

    def __post_init__(self) -> None:
        assert self.rule in RULES


def told_on_hand(story: Story) -> int:
    """Return what is there by the last count and what was told to have happened since."""
    told = [
        (event.occurred_at, event.units or 0) for events in story.events.values() for event in events if event.is_told
    ]
    told += story.handed
    entered = [count for count in story.counts.values() if count.is_told]
    last = max(entered, key=lambda count: count.at, default=None)
    if last is None:
        return sum(units for _, units in told)
    return last.counted + sum(units for at, units in told if at >= last.at)


def open_promises(story: Story, now: datetime) -> int:
    """Return how many units are promised."""
    return sum(promise.is_open(now) for promise in story.promises.values())


def at_the_grant(
    story: Story, ask: Ask, answer: Answer, asked_at: datetime, answered_at: datetime
) -> Sequence[Finding]:
    """Judge the answer to a wish for one unit, before the story hears it. It was decided between the two times."""
    if not isinstance(ask, Hold):
        return ()
    is_granted, on_hand = isinstance(answer, Granted), told_on_hand(story)
    promised = open_promises(story, answered_at if is_granted else asked_at)
    numbers = f"{promised} promised of {on_hand} on hand, by what was told"
    if is_granted and promised + 1 > on_hand:
        return (Finding("promised twice", f"one more was promised: {numbers}", story),)
    if not is_granted and promised + 1 <= on_hand and not story.was_doubtful:
        return (Finding("refused what was there", f"{answer}: {numbers}", story),)
    return ()


def after(story: Story, book: Book, now: datetime) -> Sequence[Finding]:
    """Judge the book after a step."""
    found: list[Finding] = []
    least = open_promises(story, now)
    most = sum(promise.may_keep for promise in story.promises.values())
    if min(book.available, book.reserved, book.shortage) < 0 or (book.available and book.shortage):
        found.append(Finding("a state below zero", f"{book}", story))
    if not least <= book.reserved <= most:
        found.append(Finding("promises not kept", f"{book}, and {least} to {most} promised", story))
    if story.plot.unbooked:
        story.was_doubtful |= book.on_hand != told_on_hand(story)
    elif book.on_hand != told_on_hand(story):
        found.append(Finding("book is not what was told", f"{book.on_hand} on hand, told {told_on_hand(story)}", story))
    return found


def at_the_end(story: Story, book: Book, record: Record, manager: int) -> Sequence[Finding]:
    """Judge a story that is over."""
    return [
        Finding(rule, what, story)
        for rule, what in (
            *_promises(story, record),
            *_exceptions(story, book, record, manager),
            *_shelf(story, book, record),
        )
    ]


def _promises(story: Story, record: Record) -> Sequence[tuple[str, str]]:
    found = [("promise left open", f"a hold is {status}") for status, _ in record.holds if status not in SETTLED]
    collected = sum(promise.status == "fulfilled" for promise in story.promises.values())
    fulfilled = sum(units for _, units in record.holds)
    if fulfilled != collected or any(units > 1 for _, units in record.holds):
        found.append(("promise ended twice", f"{fulfilled} fulfilled, {collected} collected: {record.holds}"))
    return found


def _exceptions(story: Story, book: Book, record: Record, manager: int) -> Sequence[tuple[str, str]]:
    signs = {"shortage": record.shortages, "reservation_refused": story.refusals, DOUBT: story.was_doubtful}
    kinds = {kind for kind, times in signs.items() if times}
    was_told = any(DOUBT in one.kinds for one in record.inbox)
    if story.was_doubtful != was_told:
        return [("book was not what was counted, and nobody was told", f"{story.was_doubtful}: {record.inbox}")]
    if not kinds:
        return [("exception without conflict", f"{one}") for one in record.inbox]
    if len(record.inbox) != 1:
        return [
            ("not exactly one exception", f"{sorted(kinds)} happened, {len(record.inbox)} exceptions: {record.inbox}")
        ]
    [one] = record.inbox
    conflicts = len(record.shortages) + story.refusals
    found: list[tuple[str, str]] = []
    if one.owner != manager:
        found.append(("exception without owner", f"{one.owner} owns it, not {manager}"))
    tells_all = one.reports == conflicts and one.documents == record.shortages
    if was_told:  # each late fact that leaves the book beside what was counted is a report, too
        tells_all = one.reports > conflicts and set(one.documents) >= set(record.shortages)
    if one.names != (story.sku, STORE) or one.kinds != kinds or not tells_all:
        found.append(
            ("exception tells another story", f"{conflicts} times {sorted(kinds)} by {record.shortages}: {one}")
        )
    is_in_doubt = book.on_hand != told_on_hand(story)
    if not one.is_open and (book.shortage or (story.refusals and not book.available) or is_in_doubt):
        found.append(("exception closed too soon", f"{book}"))
    return found


def _shelf(story: Story, book: Book, record: Record) -> Sequence[tuple[str, str]]:
    truth = story.shelf.in_store
    if book.on_hand != truth and not any(one.is_open for one in record.inbox):
        return [
            ("shelf and book differ, and nobody knows", f"{book.on_hand} on hand, {truth} in the store: {story.shelf}")
        ]
    return []


def report(findings: Sequence[Finding], most: int = 3) -> str:
    """Return how many findings there are, with the first stories told."""
    lines = [f"{len(findings)} findings"]
    for finding in findings[:most]:
        lines += [
            "",
            f"{finding.rule}: {finding.what}",
            f"story {finding.story.plot.seed}, {finding.story.sku}",
            *finding.story.diary,
        ]
    return "\n".join(lines)

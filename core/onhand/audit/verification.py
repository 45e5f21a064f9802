"""Verification: recompute every block from the rows as they are now, and say what differs, where."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.audit.digests import TEXTS, Sealed, Texts, block_digest, differing, leaf_of
from onhand.audit.models import Block
from onhand.db import cursor

__all__ = ["Anchor", "Fault", "Verified", "block_faults", "verify"]

What = Literal["row changed", "row deleted", "row inserted", "block changed", "block missing", "head differs"]
TIMEOUT_SECONDS = 900
ROWS = f"""
/* audit.verify */ SELECT {", ".join(TEXTS)} FROM onhand.audit a WHERE a.id > %s AND a.id <= %s ORDER BY a.id
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the trail is not as it was sealed: the block, the row's id, and the fields if they can be told."""

    what: What
    block: int
    row: int | None = None
    fields: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The digest of a block as somebody outside kept it."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """What was recomputed: how many blocks and rows, how many rows wait to be sealed, the head, and every fault."""

    blocks: int
    rows: int
    unsealed: int
    head: Anchor | None
    faults: tuple[Fault, ...]


def verify(session: Session, anchors: Sequence[Anchor] = ()) -> Verified:
    """Recompute the whole chain, and hold it against the heads that were kept outside.

    Finds and locates a changed, deleted or inserted row, and a changed or missing block. A chain rewritten from some
    block to its end is consistent in itself: only an anchor finds that, and so does an end cut off.
    Sees the entities of the transaction's scope, so run it over all of them.
    """
    cursor(session).execute(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
    faults: list[Fault] = []
    previous: Block | None = None
    rows = blocks = 0
    digests: dict[int, bytes] = {}
    for block in session.scalars(select(Block).order_by(Block.number)).yield_per(20):
        faults += chain_faults(previous, block)
        faults += block_faults(block, _rows(session, block.after_id, block.last_id))
        blocks += 1
        rows += len(block.ids)
        digests[block.number] = block.digest
        session.expunge(block)
        previous = block
    faults += anchor_faults(digests, anchors)
    last = previous.last_id if previous else 0
    [unsealed] = cursor(session).execute("SELECT count(*) FROM onhand.audit WHERE id > %s", (last,)).fetchone() or (0,)
    return Verified(
        blocks, rows, unsealed, Anchor(previous.number, previous.digest) if previous else None, tuple(faults)
    )


def chain_faults(previous: Block | None, block: Block) -> Iterator[Fault]:
    """Yield what is wrong between a block and the one before it."""
    expected = previous.number + 1 if previous else 1
    if block.number != expected:
        for number in range(expected, block.number):
            yield Fault("block missing", number, detail=f"block {block.number} follows {expected - 1}")
        return
    if block.previous != (previous.digest if previous else None):
        yield Fault(
            "block changed", expected - 1, detail=f"block {block.number} was chained to another digest than it has now"
        )
    if block.after_id != (previous.last_id if previous else 0):
        yield Fault("block changed", block.number, detail=f"does not begin after row {block.after_id}")


def block_faults(block: Block, rows: Iterable[Texts]) -> Iterator[Fault]:
    """Yield what is wrong within a block, given all rows there are in its range."""
    if block_digest(Sealed.by(block)) != block.digest:
        yield Fault("block changed", block.number, detail="its digest is not that of what it says")
    sealed = dict(zip(block.ids, zip(block.leaves, block.marks, strict=False), strict=False))
    for texts in rows:
        id_ = int(texts[0] or 0)
        leaf, marks = sealed.pop(id_, (None, b""))
        if leaf is None:
            yield Fault("row inserted", block.number, id_, detail="was not there when the block was sealed")
        elif leaf != leaf_of(texts):
            yield Fault("row changed", block.number, id_, differing(marks, texts))
    for id_ in sealed:
        yield Fault("row deleted", block.number, id_)


def anchor_faults(digests: dict[int, bytes], anchors: Sequence[Anchor]) -> Iterator[Fault]:
    """Yield the anchors that the chain does not bear out."""
    for anchor in anchors:
        found = digests.get(anchor.number)
        if found is None:
            yield Fault("block missing", anchor.number, detail="was kept outside as head, and is gone")
        elif found != anchor.digest:
            yield Fault("head differs", anchor.number, detail=f"{found.hex()}, but {anchor.digest.hex()} was kept")


def _rows(session: Session, after_id: int, last_id: int) -> Iterator[Texts]:
    yield from cursor(session).execute(ROWS, (after_id, last_id))

"""Sealing: rows that can no longer be joined by earlier ones are put into blocks, each chained to the one before."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onhand.audit.digests import TEXTS, Sealed, block_digest, leaf_of, marks_of, root_of
from onhand.audit.models import Block
from onhand.db import cursor, take_turn
from onhand.transaction import after_commit, context, every_entity, run

__all__ = ["Seal", "Sealer", "head", "horizon", "seal", "seal_now", "writers"]

log = structlog.get_logger("onhand.audit")

BLOCK_ROWS_MAX = 1_000
BLOCKS_MAX = 20
SEALED_AFTER = timedelta(minutes=1)
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.05

# The newest row in sight, then who may still be adding earlier ones. A writer holds this lock from before it draws its
# id until its end; a lock is never missed, for it moves only from where we look first to where we look last.
NEWEST = "/* audit.newest */ SELECT max(id), min(recorded_at) FROM onhand.audit WHERE id > %s"
WRITERS = """
/* audit.writers */ SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'onhand.audit'::regclass AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid IS DISTINCT FROM pg_backend_pid()
"""
ROWS = f"""
/* audit.rows */ SELECT {", ".join(TEXTS)} FROM onhand.audit a WHERE a.id > %s AND a.id <= %s ORDER BY a.id LIMIT %s
"""
ENTITIES = "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM onhand.entity"


@dataclass(frozen=True, slots=True)
class Seal:
    """A block without its rows: what to keep outside is its number and digest."""

    number: int
    last_id: int
    digest: bytes
    sealed_at: datetime
    rows: int

    def __str__(self) -> str:
        return f"{self.number}:{self.digest.hex()}"

    @classmethod
    def of(cls, block: Block) -> "Seal":
        """Return it for a block."""
        return cls(block.number, block.last_id, block.digest, block.sealed_at, len(block.ids))


def head(session: Session) -> Seal | None:
    """Return the newest seal, on whose digest all others hang."""
    found = session.execute(
        select(Block.number, Block.last_id, Block.digest, Block.sealed_at, func.cardinality(Block.ids))
        .order_by(Block.number.desc())
        .limit(1)
    ).first()
    return Seal(*found) if found else None


def horizon(session: Session) -> tuple[int, datetime | None, frozenset[str]]:
    """Return the newest unsealed row's id (0: none), the time of the oldest, and the transactions that may add earlier ones.

    Once these have ended, the rows up to that id are complete: ids are drawn under a lock that says who draws.
    """
    newest = head(session)
    last, oldest = cursor(session).execute(NEWEST, (newest.last_id if newest else 0,)).fetchone() or (None, None)
    return last or 0, oldest, writers(session)


def writers(session: Session) -> frozenset[str]:
    """Return the transactions, but this one, that have added to the trail or are about to."""
    return frozenset(row[0] for row in cursor(session).execute(WRITERS).fetchall())


def seal(session: Session, up_to: int, *, now: datetime) -> list[Seal]:
    """Seal the unsealed rows up to an id that `horizon` gave and whose writers have ended; return the blocks made.

    At most 20 blocks of 1,000 rows. Of two at once the second waits, then seals what is left. Nothing is sealed by a
    transaction that does not see every entity, for it might leave out rows.
    """
    take_turn(session, Block.__tablename__)
    last = head(session)
    seals: list[Seal] = []
    blocks: list[Block] = []
    while len(blocks) < BLOCKS_MAX:
        rows = cursor(session).execute(ROWS, (last.last_id if last else 0, up_to, BLOCK_ROWS_MAX)).fetchall()
        if not rows:
            break
        blocks.append(_block(last, rows, now))
        last = Seal.of(blocks[-1])
        seals.append(last)
    [entities] = cursor(session).execute(ENTITIES).fetchone() or ([],)
    if not set(entities) <= set(context(session).entities):
        return []  # one was founded since this transaction's scope was looked up: the next attempt sees it
    session.add_all(blocks)
    session.flush()
    after_commit(session, lambda: _tell(seals))
    return seals


class Sealer:
    """Seals what is due: a full block, or rows of which the oldest has waited, a minute unless said. No step waits.

    One step looks what is due and who may still be adding to it; the first that finds these at their end seals. What a
    sealer that is gone had not sealed is due as before.
    """

    def __init__(self, wait: timedelta = SEALED_AFTER) -> None:
        self._wait = wait
        self._up_to = 0
        self._busy: frozenset[str] = frozenset()

    @property
    def is_waiting(self) -> bool:
        """Whether something is due, and sealed once others have ended."""
        return self._up_to > 0

    def step(self, entities: Sequence[int] = ()) -> int:  # noqa: ARG002 - all of them, always: a block spans the group
        """Do what can be done now, and return how many rows were sealed. Twice is harmless: what is sealed is not due."""
        if self.is_waiting:
            self._busy &= run(lambda session, _: writers(session), entities=())
        else:
            self._up_to, self._busy = run(self._look, entities=every_entity())
        if self._busy or not self.is_waiting:
            return 0
        up_to, self._up_to = self._up_to, 0
        return run(lambda session, now: sum(one.rows for one in seal(session, up_to, now=now)), entities=every_entity())

    def _look(self, session: Session, now: datetime) -> tuple[int, frozenset[str]]:
        last, oldest, busy = horizon(session)
        newest = head(session)
        is_full = last - (newest.last_id if newest else 0) >= BLOCK_ROWS_MAX
        is_due = oldest is not None and (is_full or now - oldest >= self._wait)
        return (last if is_due else 0), busy


def seal_now(*, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Seal all there is at this moment and return how many rows; 0 when a transaction would not end in time."""
    sealer, deadline = Sealer(timedelta(0)), time.monotonic() + patience_seconds
    while not (rows := sealer.step()) and sealer.is_waiting and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return rows


def _tell(seals: Sequence[Seal]) -> None:
    """Put each head into the log, which is kept outside the database: it vouches for the chain up to there."""
    for one in seals:
        log.info("audit_sealed", head=str(one), last_id=one.last_id)


def _block(last: Seal | None, rows: Sequence[tuple[str | None, ...]], now: datetime) -> Block:
    ids = [int(row[0] or 0) for row in rows]
    leaves = [leaf_of(row) for row in rows]
    sealed = Sealed(
        number=last.number + 1 if last else 1,
        after_id=last.last_id if last else 0,
        last_id=ids[-1],
        count=len(ids),
        sealed_at=now,
        root=root_of(zip(ids, leaves, strict=True)),
        previous=last.digest if last else None,
    )
    return Block(
        number=sealed.number, after_id=sealed.after_id, last_id=sealed.last_id, ids=ids, leaves=leaves,
        marks=[marks_of(row) for row in rows], previous=sealed.previous, digest=block_digest(sealed), sealed_at=now,
    )  # fmt: skip

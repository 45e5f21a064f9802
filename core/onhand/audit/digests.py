"""How the trail is digested: the same bytes in Python, in SQL and in docs/audit.md, so that each can check the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from onhand.audit.models import Block

__all__ = [
    "FIELDS", "FORMAT", "MOMENT", "TEXTS", "Sealed", "Texts", "block_digest", "differing", "leaf_of", "marks_of", "moment",
    "root_of",
]  # fmt: skip

FORMAT = "onhand.audit.1"
FIELDS = (
    "id", "recorded_at", "entity_id", "actor", "actor_name", "user_id", "action", "subject", "before", "after", "reason",
    "policy_version",
)  # fmt: skip
MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
TEXTS = tuple(MOMENT.format("a.recorded_at") if name == "recorded_at" else f"a.{name}::text" for name in FIELDS)
MARK_BYTES = 4

Texts = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a block says of itself, all that its digest covers."""

    number: int
    after_id: int
    last_id: int
    count: int
    sealed_at: datetime
    root: bytes
    previous: bytes | None

    @classmethod
    def by(cls, block: Block) -> "Sealed":
        """Return what the row of a block says, its root worked out from the digests of its rows."""
        return cls(
            block.number, block.after_id, block.last_id, len(block.ids), block.sealed_at,
            root_of(zip(block.ids, block.leaves, strict=False)), block.previous,
        )  # fmt: skip


def leaf_of(texts: Texts) -> bytes:
    """Return the digest of a row, given its FIELDS as text."""
    return sha256(_prefixed(texts)).digest()


def marks_of(texts: Texts) -> bytes:
    """Return a short digest of each field, one after the other."""
    return b"".join(sha256(_prefixed([text])).digest()[:MARK_BYTES] for text in texts)


def differing(marks: bytes, texts: Texts) -> tuple[str, ...]:
    """Return the fields whose text is not the one that was marked."""
    found = marks_of(texts)
    places = range(0, len(FIELDS) * MARK_BYTES, MARK_BYTES)
    return tuple(
        name
        for name, at in zip(FIELDS, places, strict=True)
        if marks[at : at + MARK_BYTES] != found[at : at + MARK_BYTES]
    )


def root_of(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the digest of the digests of rows, each with its id, in the order of the ids."""
    whole = sha256()
    for id_, leaf in rows:
        whole.update(id_.to_bytes(8, "big"))
        whole.update(leaf or b"")
    return whole.digest()


def block_digest(sealed: Sealed) -> bytes:
    """Return the digest of a block, which covers its rows and, by the digest of the one before, all earlier blocks."""
    return sha256(
        _prefixed(
            [
                FORMAT,
                str(sealed.number),
                str(sealed.after_id),
                str(sealed.last_id),
                str(sealed.count),
                moment(sealed.sealed_at),
                sealed.root.hex(),
                None if sealed.previous is None else sealed.previous.hex(),
            ]
        )
    ).digest()


def moment(value: datetime) -> str:
    """Write a moment as digests take it: UTC, microseconds, `Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _prefixed(texts: Texts) -> bytes:
    """Put the length before each text, so that no two lists give the same bytes; what is missing has length -1."""
    parts: list[bytes] = []
    for text in texts:
        encoded = b"" if text is None else text.encode()
        parts.append((-1 if text is None else len(encoded)).to_bytes(4, "big", signed=True))
        parts.append(encoded)
    return b"".join(parts)

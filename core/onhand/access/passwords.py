"""Password hashing: argon2id at the strength OWASP names (19 MiB, 2 passes), or cheap where a test says so."""

from functools import cache

from flask import current_app
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

__all__ = ["PASSWORD_CHARACTERS_MIN", "hasher", "hasher_of", "never_matching"]

PASSWORD_CHARACTERS_MIN = 12
COSTS = {"full": (2, 19_456), "cheap": (1, 8)}  # passes, KiB


@cache
def hasher_of(cost: str) -> PasswordHash:
    """Return the hasher of a cost, `full` or `cheap` (for tests: fast, and worthless against an attacker)."""
    passes, kibibytes = COSTS[cost]
    return PasswordHash([Argon2Hasher(time_cost=passes, memory_cost=kibibytes, parallelism=1)])


def hasher() -> PasswordHash:
    """Return the hasher of this application, as `ONHAND_PASSWORD_COST` says."""
    return hasher_of(current_app.extensions["onhand_settings"].password_cost)


@cache
def never_matching(cost: str) -> str:
    """Return a hash to verify against where there is no user, so that both cases take the same time."""
    return hasher_of(cost).hash("\x00")

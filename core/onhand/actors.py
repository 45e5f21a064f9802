"""Who acts: a person, a token that speaks for a system, or the suite itself."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Actor"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, as ledger and audit trail remember it.

    `user_id` is the person behind a token, so that four eyes are judged by person. `source` is the system a token
    speaks for, if it names one.
    """

    kind: Literal["user", "token", "system"]
    id: int | None
    name: str
    user_id: int | None = None
    source: str | None = None

    @property
    def ref(self) -> str:
        """The stored form: `user:12`, `token:5`, `system:expiry`."""
        return f"{self.kind}:{self.name if self.id is None else self.id}"

    @property
    def person_id(self) -> int | None:
        """The user who acts, or whom a token acts for; None for the suite, and for a token that acts for nobody."""
        return self.id if self.kind == "user" else self.user_id

    @classmethod
    def system(cls, name: str) -> "Actor":
        """Return the actor for work that nobody asked for by hand, named after the work."""
        return cls("system", None, name)

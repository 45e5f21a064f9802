"""What verbs of this add-on refuse, as data a form, a REST answer or an import report can show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onhand.problems import Conflict

from onhand_master_data.values import Violation

__all__ = ["FieldError", "NotAuthoritative", "Refused"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the list's `index`-th member. `conflict`: it clashes with what is stored."""

    index: int
    field: str
    message: str
    value: str = ""
    conflict: bool = False


class Refused(Exception):
    """Nothing was written: the errors say what is wrong with which member of the list."""

    def __init__(self, errors: Sequence[FieldError]):
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.field} of no. {e.index + 1}: {e.message}" for e in self.errors[:5]))


class NotAuthoritative(Conflict):
    """Another system is authoritative for this data of an entity: change it there, or have the registry name another.

    `violations` are for `report_violations`, in a transaction of its own, since this one is rolled back.
    """

    type, title = "not-authoritative", "Another system is authoritative for this"

    def __init__(self, violations: Sequence[Violation], codes: Mapping[int, str], domain: str) -> None:
        self.violations = tuple(violations)
        first = self.violations[0]
        places = ", ".join(f"{codes.get(one.entity_id, one.entity_id)} ({one.authority})" for one in self.violations)
        super().__init__(
            f"{first.subject}: {first.system} is not authoritative for the {domain} of {places}."
            " Change it there, or have the registry of authorities name another system.",
            domain=first.domain,
            system=first.system,
            authorities={codes.get(one.entity_id, str(one.entity_id)): one.authority for one in self.violations},
        )

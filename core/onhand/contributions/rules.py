"""Rules: what may be allowed, what policies say, what others must agree to."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from onhand.approvals.kinds import Apply, Recheck, Revise
    from onhand.policies.book import Where

__all__ = [
    "ApprovalKind",
    "ApprovalTier",
    "BacktestResult",
    "BacktestRow",
    "Permission",
    "PolicyBacktest",
    "PolicyPart",
    "PolicyProfile",
    "PolicyReader",
    "PolicyScope",
    "PolicyScopePart",
    "PolicyTrial",
    "PolicyType",
    "PolicyValue",
    "PolicyVariable",
]


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a role may allow, named `<noun>.<verb>`."""

    name: str
    label: str


PolicyValue = int | bool | str | Decimal


PolicyScopePart = Literal["item", "category", "location", "channel", "entity"]


@dataclass(frozen=True, slots=True)
class PolicyVariable:
    """A fact that a policy's conditions may ask about; whoever reads the policy hands it in under this name."""

    name: str
    type: type[int] | type[bool] | type[str] | type[float]
    help: str


@dataclass(frozen=True, slots=True)
class PolicyType:
    """A business rule that people set, per scope and from a date on.

    `scopes`: the parts of a place that may narrow it. Numbers lie within `minimum` and `maximum` (None: no bound),
    text is one of `choices` where there are any. With `variables` a version may carry a condition over them.
    ValueError for a default that the type itself would refuse.
    """

    name: str
    label: str
    type: type[int] | type[bool] | type[str] | type[Decimal]
    default: PolicyValue
    help: str
    unit: str | None = None
    scopes: tuple[str, ...] = ("entity",)
    minimum: int | Decimal | None = 0
    maximum: int | Decimal | None = None
    choices: tuple[str, ...] = ()
    variables: tuple[PolicyVariable, ...] = ()

    def __post_init__(self) -> None:
        if type(self.default) is not self.type:
            raise ValueError(f"policy {self.name}: the default {self.default!r} is no {self.type.__name__}")
        if unknown := set(self.scopes) - set(get_args(PolicyScopePart)):
            raise ValueError(f"policy {self.name}: there is no scope {', '.join(sorted(unknown))}")
        if self.choices and self.default not in self.choices:
            raise ValueError(f"policy {self.name}: the default {self.default!r} is none of its choices")
        if isinstance(self.default, (int, Decimal)) and type(self.default) is not bool:
            low, high = self.minimum, self.maximum
            if (low is not None and self.default < low) or (high is not None and self.default > high):
                raise ValueError(f"policy {self.name}: the default {self.default} is out of its bounds")


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """A thing that narrows a policy's place, as people call it. `entity_id`: whose it is; None for the group's."""

    id: int
    code: str
    name: str
    entity_id: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """How one part of a policy's place is looked up by the add-on that owns such things.

    `by_code(session, codes)` and `by_id(session, ids)` leave out what does not exist within the transaction's scope;
    `choices(session, entity_id)` lists what a form may offer for an entity; nothing where there are too many to list.
    """

    part: PolicyScopePart
    label: str
    by_code: Callable[[Session, Collection[str]], dict[str, PolicyPart]]
    by_id: Callable[[Session, Collection[int]], dict[int, PolicyPart]]
    choices: Callable[[Session, int], list[PolicyPart]]


@dataclass(frozen=True, slots=True)
class ApprovalTier:
    """From an amount or a quantity on (inclusive; either suffices; neither: always), a role must agree, in this turn."""

    role: str
    tier: int = 1
    amount_from_minor: int | None = None
    quantity_from: int | None = None


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """A kind of change that may need other people's consent, named `<noun>.<what>`.

    `permission`: what an approver must hold at the place, besides the role that the rules name. `apply` carries it out
    in the transaction of the last decision; `recheck`, where given, says whether what was asked still fits, and `revise`
    what is asked for when the requester wants something else of it: without it only the note can be changed. `asks`: what
    the requester must hold at a location to move the request there; None: the location cannot be changed.
    `tiers` hold until somebody sets a rule for the kind, anywhere. `fields` (name, label) may have rules of their own.
    """

    name: str
    label: str
    permission: str
    apply: "Apply"
    recheck: "Recheck | None" = None
    tiers: tuple[ApprovalTier, ...] = ()
    revise: "Revise | None" = None
    fields: tuple[tuple[str, str], ...] = ()
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyProfile:
    """Values of an add-on's policies that suit one kind of retailer: a starting point, set for an entity as one change.

    Profiles of the same name from several add-ons are one profile.
    """

    name: str
    values: dict[str, PolicyValue]


class PolicyReader(Protocol):
    """Reads policies as they are, or as a draft would have them."""

    def __call__(
        self, name: str, where: "Where", facts: Mapping[str, Any] | None = None, at: datetime | None = None
    ) -> PolicyValue:
        """Return a policy's value at a place, now or as it was at another moment."""


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """What a back-test is given: where and since when to look, and the policies as they are and as drafted."""

    entities: tuple[int, ...]
    since: datetime
    until: datetime
    live: PolicyReader
    draft: PolicyReader
    rows_max: int


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """A decision that the draft would have taken otherwise: what it was about, its page, how it went and would have."""

    label: str
    href: str
    before: str
    after: str
    quantity: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """How many decisions were looked at, how many differ, and the newest of those; sums are over all that differ.

    None: nothing to sum. `notes` say what was left out, and why.
    """

    examined: int
    different: int
    rows: tuple[BacktestRow, ...]
    quantity: int | None = None
    amount_minor: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyBacktest:
    """Replays recorded decisions through some policies, set-based and bounded, writing nothing."""

    label: str
    policies: tuple[str, ...]
    run: Callable[[Session, PolicyTrial], BacktestResult]

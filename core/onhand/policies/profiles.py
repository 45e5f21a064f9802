"""Profiles: values that suit one kind of retailer, as a starting point for an entity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from onhand.contributions import PolicyProfile, PolicyType, PolicyValue
from onhand.policies.book import Where
from onhand.policies.places import label_of, named
from onhand.policies.services import PolicyChange, PolicyRefused
from onhand.policies.values import kept, shown, stored
from onhand.transaction import context

__all__ = ["PROFILES", "Profile", "ProfileDiff", "ProfileLine", "profile_changes", "profile_diff", "profiles"]

PROFILES: dict[str, tuple[str, str]] = {
    "luxury": (
        "Luxury",
        "Single units of high value, sold by appointment: promise the last one, hold long, know at once.",
    ),
    "grocery": ("Grocery", "Fast shelves that are never quite as booked: keep some back, hold short, tell quickly."),
    "specialty_apparel": ("Specialty apparel", "Sizes and colours in small numbers: keep one back, days to fulfil."),
    "consumer_electronics": ("Consumer electronics", "Sought-after drops and costly boxes: hold short, keep one back."),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as the installed add-ons fill it; `unknown` are values for policies that nobody here reads."""

    name: str
    label: str
    help: str
    values: Mapping[str, PolicyValue]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One policy of a profile: its value in an entity now, the version and place that decided it, and the profile's."""

    kind: PolicyType
    before: str
    version: int | None
    place: str
    after: str
    value: PolicyValue
    differs: bool


@dataclass(frozen=True, slots=True)
class ProfileDiff:
    """What a profile would change in an entity, and what it names that cannot be set here, with the reason."""

    profile: Profile
    lines: tuple[ProfileLine, ...]
    skipped: tuple[tuple[str, str], ...]


def profiles(session: Session) -> dict[str, Profile]:
    """Return every profile by its name, with the values that installed add-ons contribute to it."""
    addons = context(session).addons
    contributed: list[PolicyProfile] = addons.gather("policy_profiles")
    found: dict[str, Profile] = {}
    for name in dict.fromkeys([*PROFILES, *(one.name for one in contributed)]):
        label, about = PROFILES.get(name, (name.replace("_", " ").capitalize(), "Contributed by an add-on."))
        values = {policy: value for one in contributed if one.name == name for policy, value in one.values.items()}
        known = {policy: value for policy, value in values.items() if policy in addons.policy_types}
        found[name] = Profile(name, label, about, known, tuple(sorted(values.keys() - known.keys())))
    return found


def profile_diff(session: Session, name: str, entity_id: int, *, now: datetime) -> ProfileDiff:
    """Return what a profile would change in an entity; PolicyRefused naming the known ones where there is none."""
    known = profiles(session)
    if name not in known:
        raise PolicyRefused(f"there is no profile {name!r}; known: {', '.join(known)}", field="profile")
    profile, where = known[name], Where(entity_id=entity_id)
    addons, book = context(session).addons, context(session).policies
    names = named(session, [where])
    active = {
        kind.name
        for noun, kinds in addons.gather_by_addon("policies")
        for kind in kinds
        if addons.active(entity_id, noun, now)
    }
    skipped = [(policy, "no installed add-on reads it") for policy in profile.unknown]
    lines = []
    for policy, value in profile.values.items():
        kind = addons.policy_types[policy]
        if policy not in active:
            skipped.append((policy, "its add-on is not enabled for this entity"))
            continue
        if "entity" not in kind.scopes:
            skipped.append((policy, "it is not set per entity"))
            continue
        try:
            kept(kind, value)
        except PolicyRefused as refused:
            skipped.append((policy, str(refused)))
            continue
        found = book.deciding(policy, where.key, now)
        before = kind.default if found is None else stored(kind, found.setting.value)
        lines.append(
            ProfileLine(
                kind=kind,
                before=shown(kind, before),
                version=None if found is None else found.setting.version,
                place="default" if found is None else label_of(Where(*found.place), names),
                after=shown(kind, value),
                value=value,
                differs=before != value or type(before) is not type(value),
            )
        )
    return ProfileDiff(profile, tuple(lines), tuple(skipped))


def profile_changes(diff: ProfileDiff, entity_id: int) -> list[PolicyChange]:
    """Return the changes that bring an entity to a profile: only what differs is set."""
    where = Where(entity_id=entity_id)
    return [PolicyChange(line.kind.name, line.value, where) for line in diff.lines if line.differs]

"""The graph of installed add-ons, read from the packaging metadata. There is no second manifest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from onhand.addons.faults import BrokenAddon, Fault, blame

__all__ = ["GROUP", "Addon", "BrokenGraph", "Installed", "discover", "in_order", "sort_out", "survey", "without"]

GROUP = "onhand.addons"
NOUN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
    is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
    only or order outer overlaps placing primary references returning right select session_user similar some
    symmetric system_user table tablesample then to trailing true union unique user using variadic verbose
    when where window with
        """,
    )
)
"""Words that name no schema unless quoted: `SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')`."""
TAKEN = frozenset({"onhand", "public", "information_schema"}) | RESERVED
NO_NOUN = (
    "has a name that cannot be one: it names a PostgreSQL schema, so it is lower-case letters, digits and single "
    "underscores, and not information_schema, onhand, public, pg_… or a word of SQL's own as order is"
)


class BrokenGraph(BrokenAddon):
    """The installed add-ons do not go together; the message names the culprits and what to do.

    One requires what is not installed, two share a noun, a noun cannot name a schema, or requirements form a circle.
    """


@dataclass(frozen=True, slots=True)
class Addon:
    """An installed add-on: its noun, where its code is, and the nouns it requires or, as an extra, knows of."""

    noun: str
    distribution: str
    version: str
    package: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installed:
    """The add-ons that can be started, requirements first, and the faults of the others."""

    addons: tuple[Addon, ...]
    faults: tuple[Fault, ...] = ()


def discover() -> list[Addon]:
    """Return the installed add-ons, each after those it requires or has as an extra; BrokenGraph when there is no way.

    What an add-on requires, libraries included, must be installed in a version it takes.
    """
    return _all_or_none(survey())


def survey() -> Installed:
    """Look at what is installed: the add-ons that can be started, in their order, and why the others cannot."""
    found: list[tuple[str, metadata.Distribution, str]] = []
    nouns: dict[str, str] = {}
    for entry in metadata.entry_points(group=GROUP):
        assert entry.dist is not None  # noqa: S101 - entry points of installed distributions have one
        found.append((entry.name, entry.dist, entry.value))
        nouns[canonicalize_name(entry.dist.name)] = entry.name
    addons: list[Addon] = []
    faults: list[Fault] = []
    for noun, dist, value in found:
        try:
            with blame(noun, "when its requirements were read"):
                addons.append(_describe(noun, dist, value, nouns))
        except BrokenAddon as broken:
            faults.append(broken.fault)
    return sort_out(addons, faults)


def in_order(addons: Iterable[Addon]) -> list[Addon]:
    """Return add-ons with requirements first; BrokenGraph where they do not go together.

    Alike ones come by name, so that the order is the same on every machine.
    """
    return _all_or_none(sort_out(addons))


def sort_out(addons: Iterable[Addon], faults: Iterable[Fault] = ()) -> Installed:
    """Return which of these add-ons go together, requirements first, and why each of the others does not.

    What requires one that has a fault has one too. Of two that share a noun neither is believed, unless one is called
    as convention has it: `onhand-<noun>`.
    """
    found = list(faults)
    by_noun = _by_noun(addons, found)
    while True:
        _leave_out(by_noun, found)
        sorter = TopologicalSorter(
            {noun: {*addon.requires, *addon.extras} & by_noun.keys() for noun, addon in by_noun.items()}
        )
        try:
            sorter.prepare()
        except CycleError as error:
            circle = error.args[1][::-1]
            found += [
                Fault(noun, f"is required in a circle, {' → '.join(circle)}", "have one of them do without the other")
                for noun in circle[1:]
            ]
            for noun in circle[1:]:
                del by_noun[noun]
        else:
            break
    ordered: list[Addon] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered.extend(by_noun[noun] for noun in ready)
        sorter.done(*ready)
    return Installed(tuple(ordered), tuple(found))


def without(installed: Installed, broken: BrokenAddon) -> Installed:
    """Return what is left when add-ons are found to be broken: neither they nor what requires them.

    Raises the error itself where it is none of these add-ons that is broken.
    """
    faults = {fault.noun: fault for fault in (*broken.more, broken.fault)}
    kept = [addon for addon in installed.addons if addon.noun not in faults]
    if len(kept) == len(installed.addons):
        raise broken
    return sort_out(kept, [*installed.faults, *faults.values()])


def _all_or_none(found: Installed) -> list[Addon]:
    if found.faults:
        raise BrokenGraph(found.faults[0])
    return list(found.addons)


def _describe(noun: str, dist: metadata.Distribution, value: str, nouns: dict[str, str]) -> Addon:
    requires: set[str] = set()
    extras: set[str] = set()
    for requirement in map(Requirement, dist.requires or []):
        is_required = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_required:
            _check_installed(noun, requirement)
        other = nouns.get(canonicalize_name(requirement.name), noun)
        if other != noun and is_required:
            requires.add(other)
        elif other != noun and _is_extra(requirement, dist):
            extras.add(other)
    return Addon(
        noun=noun,
        distribution=dist.name,
        version=dist.version,
        package=value.rpartition(".")[0],
        requires=tuple(sorted(requires)),
        extras=tuple(sorted(extras - requires)),
    )


def _is_extra(requirement: Requirement, dist: metadata.Distribution) -> bool:
    marker, names = requirement.marker, dist.metadata.get_all("Provides-Extra") or ()
    return marker is not None and any(marker.evaluate({"extra": str(name)}) for name in names)


def _check_installed(noun: str, requirement: Requirement) -> None:
    wanted = f"{requirement.name}{requirement.specifier}"
    advice = f"pip install '{wanted}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        raise BrokenAddon.of(noun, f"requires {requirement.name}, which is not installed", advice) from None
    if not requirement.specifier.contains(version, prereleases=True):
        raise BrokenAddon.of(noun, f"requires {wanted}, but {version} is installed", advice)


def _by_noun(addons: Iterable[Addon], faults: list[Fault]) -> dict[str, Addon]:
    by_noun: dict[str, Addon] = {}
    claims: dict[str, list[Addon]] = {}
    for addon in sorted(addons, key=lambda addon: (addon.noun, addon.distribution)):
        claims.setdefault(addon.noun, []).append(addon)
    for noun, claimants in claims.items():
        if not NOUN.fullmatch(noun) or noun in TAKEN or noun.startswith("pg_"):
            faults.append(Fault(noun, NO_NOUN, f"have {claimants[0].distribution} name its entry point otherwise"))
            continue
        rightful = [addon for addon in claimants if canonicalize_name(addon.distribution) == _called(noun)]
        if len(claimants) == 1 or len(rightful) == 1:
            by_noun[noun] = (rightful or claimants)[0]
        names = " and ".join(addon.distribution for addon in claimants)
        if noun not in by_noun:
            faults.append(Fault(noun, f"is offered by two distributions, {names}", "uninstall one of them"))
        for addon in claimants:
            if addon is not by_noun.get(noun, addon):
                reason = f"offers itself as {noun!r}, as does {rightful[0].distribution}"
                faults.append(Fault(addon.distribution, reason, f"uninstall one of them: {names}"))
    return by_noun


def _called(noun: str) -> str:
    return canonicalize_name(f"onhand-{noun}")


def _leave_out(by_noun: dict[str, Addon], faults: list[Fault]) -> None:
    """Take out whatever requires what is not there, and what requires that."""
    while absent := {
        noun: gone for noun, addon in by_noun.items() if (gone := [one for one in addon.requires if one not in by_noun])
    }:
        broken = {fault.noun for fault in faults}
        for noun, gone in absent.items():
            if set(gone) <= broken:
                faults.append(Fault(noun, f"requires {', '.join(gone)}, which does not run", "see there what to do"))
            else:
                faults.append(Fault(noun, f"requires {', '.join(gone)}, which is not installed", "install it"))
            del by_noun[noun]

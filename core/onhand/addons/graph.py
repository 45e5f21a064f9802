"""The graph of installed add-ons, read from the packaging metadata. There is no second manifest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["GROUP", "Addon", "BrokenGraph", "discover", "in_order"]

GROUP = "onhand.addons"
NOUN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = frozenset({"onhand", "public", "information_schema"})


class BrokenGraph(Exception):
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


def discover() -> list[Addon]:
    """Return the installed add-ons, each after those it requires or has as an extra; BrokenGraph when there is no way.

    What an add-on requires, libraries included, must be installed in a version it takes.
    """
    found: list[tuple[str, metadata.Distribution, str]] = []
    nouns: dict[str, str] = {}
    for entry in metadata.entry_points(group=GROUP):
        assert entry.dist is not None  # noqa: S101 - entry points of installed distributions have one
        found.append((entry.name, entry.dist, entry.value))
        nouns[canonicalize_name(entry.dist.name)] = entry.name
    return in_order(_describe(noun, dist, value, nouns) for noun, dist, value in found)


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
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        raise BrokenGraph(
            f"the add-on {noun!r} requires {requirement.name}, which is not installed: pip install '{wanted}'"
        ) from None
    if not requirement.specifier.contains(version, prereleases=True):
        raise BrokenGraph(f"the add-on {noun!r} requires {wanted}, but {version} is installed: pip install '{wanted}'")


def in_order(addons: Iterable[Addon]) -> list[Addon]:
    """Return add-ons with requirements first; alike ones by name, so that the order is the same on every machine."""
    by_noun = _by_noun(addons)
    sorter = TopologicalSorter(
        {noun: {*addon.requires, *addon.extras} & by_noun.keys() for noun, addon in by_noun.items()}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise BrokenGraph("add-ons require each other in a circle: " + " → ".join(reversed(error.args[1]))) from error
    ordered: list[Addon] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered.extend(by_noun[noun] for noun in ready)
        sorter.done(*ready)
    return ordered


def _by_noun(addons: Iterable[Addon]) -> dict[str, Addon]:
    by_noun: dict[str, Addon] = {}
    for addon in sorted(addons, key=lambda addon: (addon.noun, addon.distribution)):
        if not NOUN.fullmatch(addon.noun) or addon.noun in TAKEN or addon.noun.startswith("pg_"):
            raise BrokenGraph(
                f"{addon.distribution} offers an add-on as {addon.noun!r}: it names a PostgreSQL schema, so it is "
                f"lower-case letters, digits and single underscores, and not one of {', '.join(sorted(TAKEN))} or pg_…"
            )
        other = by_noun.setdefault(addon.noun, addon)
        if other is not addon:
            raise BrokenGraph(
                f"two distributions offer the add-on {addon.noun!r}, uninstall one of them: "
                f"{other.distribution} and {addon.distribution}"
            )
    for addon in by_noun.values():
        if absent := [noun for noun in addon.requires if noun not in by_noun]:
            raise BrokenGraph(f"the add-on {addon.noun!r} requires {', '.join(absent)}, which is not installed")
    return by_noun

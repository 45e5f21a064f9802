"""Names: one noun everywhere, so that who knows the folder knows the rest."""

from collections.abc import Iterator
from importlib import metadata

from onhand.addons import Addon
from onhand.addons.graph import GROUP
from onhand.contract.subject import Subject

__all__ = ["entry_points", "folders", "nouns", "prefixes"]

PREFIXED = (("permissions", "name"), ("policies", "name"), ("schedules", "name"), ("approval_kinds", "name"))
FOLDERS = ("templates", "static")


def nouns(addon: Addon) -> Iterator[str]:
    """Yield what of an add-on's names does not follow from its noun."""
    if not addon.noun.isidentifier() or addon.noun != addon.noun.lower():
        yield f"the noun {addon.noun!r} is no lower-case identifier"
    if addon.package != f"onhand_{addon.noun}":
        yield f"the package is {addon.package}, not onhand_{addon.noun}"
    if addon.distribution != f"onhand-{addon.noun.replace('_', '-')}":
        yield f"the distribution is {addon.distribution}, not onhand-{addon.noun.replace('_', '-')}"


def entry_points(addon: Addon) -> Iterator[str]:
    """Yield what is wrong with how the distribution offers the add-on."""
    offered = {
        entry.name: entry.value
        for entry in metadata.entry_points(group=GROUP)
        if entry.dist and entry.dist.name == addon.distribution
    }
    wanted = {addon.noun: f"{addon.package}.plugin"}
    if offered != wanted:
        yield f"{addon.distribution} offers {offered} as add-ons, not {wanted}"


def folders(subject: Subject) -> Iterator[str]:
    """Yield templates and static files outside of the noun's own folder: there they could win over another's."""
    for folder in FOLDERS:
        for path in sorted((subject.package / folder).rglob("*")):
            if path.is_file() and not path.is_relative_to(subject.package / folder / subject.noun):
                yield f"{path.relative_to(subject.package)} lies outside of {folder}/{subject.noun}/"


def prefixes(subject: Subject) -> Iterator[str]:
    """Yield contributions whose names do not begin with the noun, and queues and addresses that are not the noun's."""
    noun = subject.noun
    for hook, attribute in PREFIXED:
        for name in (getattr(thing, attribute) for thing in subject.contributed(hook)):
            if not name.startswith(f"{noun}."):
                yield f"{hook}: {name} does not begin with {noun}."
    for blueprint in subject.blueprints:
        if blueprint.name != noun and not blueprint.name.startswith(f"{noun}_api"):
            yield f"the blueprint {blueprint.name} is neither {noun} nor {noun}_api…"
        prefix = blueprint.url_prefix or ""
        if blueprint.name == noun and prefix.strip("/") != noun:
            yield f"the pages of {blueprint.name} are under {prefix!r}, not /{noun}/"
    for actor in subject.actors:
        if actor.queue != noun:
            yield f"{actor.name} waits in the queue {actor.queue}, not {noun}"

"""Subject: an add-on under examination, and all that can be seen of it once the application is put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from onhand.access.doors import Door, doors_of

if TYPE_CHECKING:
    from flask import Blueprint, Flask

    from onhand.addons import Addon, Addons
    from onhand.jobs import JobActor

__all__ = ["Subject", "among", "look_at"]

NOWHERE = "postgresql+psycopg://nobody@localhost:1/nowhere"


@dataclass(frozen=True)
class Subject:
    """An add-on in an application that has it and what it requires."""

    addon: "Addon"
    app: "Flask"

    @property
    def noun(self) -> str:
        """The add-on's noun."""
        return self.addon.noun

    @cached_property
    def package(self) -> Path:
        """Where its code is."""
        return Path(str(import_module(self.addon.package).__file__)).parent

    @property
    def addons(self) -> "Addons":
        """The add-ons of the application."""
        found: Addons = self.app.extensions["onhand"]
        return found

    @cached_property
    def blueprints(self) -> "list[Blueprint]":
        """What it put into the URL map, as registered: `Blueprint` is that of flask.sansio, where it is typed."""
        return [one for one in self.app.blueprints.values() if getattr(one, "onhand_addon", None) == self.noun]  # type: ignore[misc]  # Flask types them as its own Blueprint

    @cached_property
    def actors(self) -> "list[JobActor[...]]":
        """The functions that jobs may name."""
        return [each for each in self.app.extensions["onhand.jobs"].actors.values() if each.addon == self.noun]

    @cached_property
    def doors(self) -> dict[tuple[str, str], Door]:
        """Its routes by endpoint and method, but for its static files."""
        return {
            (endpoint, method): door
            for (endpoint, method), door in doors_of(self.app).items()
            if door.addon == self.noun and not endpoint.endswith(".static")
        }

    @cached_property
    def nouns_in_reach(self) -> frozenset[str]:
        """The core, the add-on, all it requires and all it knows of as an extra."""
        reached = {"onhand"}
        waiting = [self.noun, *self.addon.extras]
        while waiting:
            noun = waiting.pop()
            if noun not in reached:
                reached.add(noun)
                waiting += self.addons.addon(noun).requires if noun in self.addons.names else ()
        return frozenset(reached)

    def contributed(self, hook: str) -> list[Any]:
        """Return what it contributes to a hook that asks for nothing."""
        return list(dict(self.addons.gather_by_addon(hook)).get(self.noun, ()))

    @cached_property
    def description(self) -> dict[str, Any]:
        """The REST API's description, as programs are given it."""
        described: dict[str, Any] = msgspec.json.decode(self.app.extensions["onhand_rest"].description)
        return described


def look_at(noun: str, addons: "Sequence[Addon]") -> Subject:
    """Put an application together of these add-ons, without a database, and return the one to be examined.

    Whatever stops a start is raised: a hook that does not fit its spec, a route without a permission, a missing
    requirement.
    """
    from onhand.app import assemble
    from onhand.config import Settings

    settings = Settings(database_url=NOWHERE, redis_url="redis://localhost:1/0", secret_key="x" * 32, log_level="error")
    app = assemble(settings, addons=addons)
    return Subject(next(addon for addon in addons if addon.noun == noun), app)


def among(noun: str, installed: "Sequence[Addon]") -> "list[Addon]":
    """Return an add-on after all that it requires, of those installed, which are ordered requirements first."""
    wanted = {noun}
    for addon in reversed(installed):
        if addon.noun in wanted:
            wanted.update(addon.requires)
    return [addon for addon in installed if addon.noun in wanted]

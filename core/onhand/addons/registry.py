"""The add-ons of this process: their hooks, and for which entities each is switched on."""

import importlib
import importlib.util
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal

import pluggy
from sqlalchemy.orm import Session

from onhand import hookspecs
from onhand.addons.boundary import Boundary
from onhand.addons.contributed import asks_nothing, checked, named_twice
from onhand.addons.faults import BrokenAddon, Fault, blame
from onhand.addons.graph import Addon, Installed, in_order, without
from onhand.addons.latest import Latest
from onhand.contributions import PolicyScope, PolicyType
from onhand.db import cursor
from onhand.hooks import PROJECT
from onhand.policies.book import PolicyBook

__all__ = [
    "Addons",
    "Enablement",
    "State",
    "Timeline",
    "UnknownHook",
    "enablements",
    "load",
    "policy_book",
    "suspensions",
]

State = Literal["enabled", "draining", "disabled"]
Enablement = tuple[int, str, State, datetime]


class UnknownHook(BrokenAddon):
    """An add-on implements a hook that nothing it is started with offers, most likely a misspelling."""


SEE_THERE = "see there what to do"
CORE = "onhand"
"""The core's own name among the nouns: its contributions count as enabled everywhere."""


class Timeline:
    """Which add-on is in which state for which entity from when on, as one transaction saw it. Never changed.

    Those that are `held` are off everywhere, whatever is recorded of them.
    """

    def __init__(self, rows: Iterable[Enablement] = (), *, held: Collection[str] = ()) -> None:
        self._held = frozenset(held)
        self._changes: dict[tuple[int, str], tuple[list[datetime], list[State]]] = {}
        for entity_id, noun, state, effective_from in rows:
            times, states = self._changes.setdefault((entity_id, noun), ([], []))
            times.append(effective_from)
            states.append(state)
        self.nouns = frozenset(noun for _, noun in self._changes)

    def state(self, entity_id: int, noun: str, now: datetime) -> State:
        """Return an add-on's state for an entity at a time: disabled while it is held."""
        return "disabled" if noun in self._held else self.recorded(entity_id, noun, now)

    def is_held(self, noun: str) -> bool:
        """Return whether an add-on is off everywhere, whatever is recorded of it."""
        return noun in self._held

    def is_on(self, noun: str, now: datetime) -> bool:
        """Return whether an add-on is recorded as enabled or draining for any entity at a time, held or not."""
        return any(key[1] == noun and self.recorded(*key, now) != "disabled" for key in self._changes)

    def recorded(self, entity_id: int, noun: str, now: datetime) -> State:
        """Return what is recorded of an add-on for an entity at a time; of equal times the later change holds."""
        times, states = self._changes.get((entity_id, noun), ((), ()))
        position = bisect_right(times, now)
        return states[position - 1] if position else "disabled"


class Addons:
    """Every installed add-on, registered in dependency order, and the entities each is enabled for.

    Hooks are called through `caller`, which sees only the add-ons enabled for an entity at a time; enablement is held
    in memory and replaced as soon as a transaction sees a newer version of it.
    """

    def __init__(self, addons: Iterable[Addon], faults: Iterable[Fault] = ()) -> None:
        """Load these add-ons, or raise BrokenAddon for the first that cannot be; `faults` tell of others that are out."""
        self._addons = {addon.noun: addon for addon in in_order(addons)}
        self._nouns = (CORE, *self._addons)
        self.faults = tuple(faults)
        self.held: Mapping[str, Fault] = {}
        self.suspended: Mapping[str, Fault] = {}
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(hookspecs)
        for addon in self._addons.values():
            with blame(addon.noun, "when its hooks.py was imported"):
                if importlib.util.find_spec(f"{addon.package}.hooks"):
                    self._hooks.add_hookspecs(importlib.import_module(f"{addon.package}.hooks"))
        self._hooks.register(importlib.import_module("onhand.plugin"), name=CORE)
        for addon in self._addons.values():
            with blame(addon.noun, "when its plugin.py was imported"):
                plugin = importlib.import_module(f"{addon.package}.plugin")
            _register(self._hooks, plugin, addon.noun)
        _verify(self._hooks)
        self._contributed = self._asked()
        self._implementers: dict[str, tuple[str, ...]] = {}
        self.boundary = Boundary()
        self.boundary.bind(self._hooks, self._addons)
        self.timelines = Latest(Timeline())
        self.policy_books = Latest(PolicyBook())
        self.policy_types: dict[str, PolicyType] = {kind.name: kind for kind in self.gather("policies")}
        self.policy_scopes: dict[str, PolicyScope] = {scope.part: scope for scope in self.gather("policy_scopes")}
        self._callers: dict[tuple[str, frozenset[str]], pluggy.HookCaller | None] = {}

    def _asked(self) -> dict[str, list[tuple[str, list[Any]]]]:
        """Ask once for all that is contributed without being asked about anything, and refuse what does not fit."""
        found: dict[str, list[tuple[str, list[Any]]]] = {}
        for name, caller in sorted(vars(self._hooks.hook).items()):
            if not asks_nothing(caller):
                continue
            impls = {impl.plugin_name: impl for impl in caller.get_hookimpls()}
            given = [(noun, checked(noun, impls[noun], caller.spec)) for noun in self._nouns if noun in impls]
            named_twice(name, given)
            found[name] = given
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The nouns of all installed add-ons, requirements first."""
        return tuple(self._addons)

    @property
    def manager(self) -> pluggy.PluginManager:
        """The plugin manager, for tools that list hooks; verbs use `caller`."""
        return self._hooks

    def addon(self, noun: str) -> Addon:
        """Return an installed add-on; KeyError when there is none of that name."""
        return self._addons[noun]

    def dependants(self, noun: str) -> tuple[str, ...]:
        """Return the installed add-ons that require this one directly."""
        return tuple(addon.noun for addon in self._addons.values() if noun in addon.requires)

    def gather(self, hook: str, **arguments: Any) -> list[Any]:
        """Return what all installed add-ons contribute to a hook, as one flat list in dependency order."""
        return [thing for _, things in self.gather_by_addon(hook, **arguments) for thing in things]

    def gather_by_addon(self, hook: str, **arguments: Any) -> list[tuple[str, list[Any]]]:
        """Return (noun, contributions) per implementing add-on, in dependency order.

        What is asked about nothing was asked once, when the application was put together.
        """
        if hook in self._contributed:
            return [(noun, list(things)) for noun, things in self._contributed[hook]]
        impls = {impl.plugin_name: impl for impl in getattr(self._hooks.hook, hook).get_hookimpls()}
        return [
            (noun, list(impls[noun].function(*(arguments[name] for name in impls[noun].argnames))))
            for noun in self._nouns
            if noun in impls
        ]

    def implementers(self, hook: str) -> list[str]:
        """Return the nouns of those that implement a hook, in dependency order."""
        nouns = {impl.plugin_name for impl in getattr(self._hooks.hook, hook).get_hookimpls()}
        return [noun for noun in self._nouns if noun in nouns]

    def gather_from(self, noun: str, hook: str, **arguments: Any) -> list[Any]:
        """Return what one add-on contributes to a hook that it implements; what it raises is the caller's to judge."""
        [impl] = [impl for impl in getattr(self._hooks.hook, hook).get_hookimpls() if impl.plugin_name == noun]
        return list(impl.function(*(arguments[name] for name in impl.argnames)))

    def gather_for(self, hook: str, entity_id: int, now: datetime, **arguments: Any) -> list[Any]:
        """Return what the add-ons active for an entity contribute to a hook that asks about that entity."""
        return [thing for _, things in self.gather_for_by_addon(hook, entity_id, now, **arguments) for thing in things]

    def gather_for_by_addon(
        self, hook: str, entity_id: int, now: datetime, **arguments: Any
    ) -> list[tuple[str, list[Any]]]:
        """Return (noun, contributions) of the add-ons active for an entity, in dependency order."""
        arguments |= {"entity_id": entity_id, "now": now}
        impls = {impl.plugin_name: impl for impl in getattr(self._hooks.hook, hook).get_hookimpls()}
        return [
            (noun, list(impls[noun].function(*(arguments[name] for name in impls[noun].argnames))))
            for noun in self._nouns
            if noun in impls and self.active(entity_id, noun, now)
        ]

    def caller(self, hook: str, entity_id: int, now: datetime) -> pluggy.HookCaller | None:
        """Return the hook as the add-ons active for an entity implement it; None when none of them does."""
        if not getattr(self._hooks.hook, hook).get_hookimpls():
            return None
        return self._caller(hook, frozenset([noun for noun in self._nouns if self.active(entity_id, noun, now)]))

    def _caller(self, hook: str, nouns: frozenset[str]) -> pluggy.HookCaller | None:
        key = (hook, nouns)
        if key not in self._callers:
            absent = [plugin for name, plugin in self._hooks.list_name_plugin() if name not in nouns]
            caller = self._hooks.subset_hook_caller(hook, absent)
            self._callers[key] = caller if caller.get_hookimpls() else None
        return self._callers[key]

    def extend(self, caller: pluggy.HookCaller, **arguments: Any) -> None:
        """Call an `extend` hook; what one raises aborts the transaction."""
        for impl in caller.get_hookimpls():
            impl.function(*(arguments[name] for name in impl.argnames))

    def observers(self, hook: str, entity_id: int, now: datetime) -> list[str]:
        """Return who is to be told an event of an entity: those that observe the hook and are on for it.

        One that does not run in this process is among them, and is told when it does. So is one that could not even be
        loaded, until it is disabled: nobody knows what it observes.
        """
        timeline = self.timelines.value
        return [
            noun
            for noun in (*self._known(hook), *sorted(timeline.nouns - self._addons.keys()))
            if noun == CORE or timeline.recorded(entity_id, noun, now) != "disabled"
        ]

    def may_be_observed(self, hook: str) -> bool:
        """Whether anybody may want to be told an event later on: who observes the hook, or who is not loaded just now."""
        return bool(self._known(hook)) or self.may_miss_some

    def offers(self, hook: str) -> bool:
        """Whether a hook is specified in this process: by the core, or by an add-on that is loaded."""
        return getattr(getattr(self._hooks.hook, hook, None), "spec", None) is not None

    def _known(self, hook: str) -> tuple[str, ...]:
        if hook not in self._implementers:
            is_offered = hook in vars(self._hooks.hook)
            self._implementers[hook] = tuple(self.implementers(hook)) if is_offered else ()
        return self._implementers[hook]

    @property
    def may_miss_some(self) -> bool:
        """Whether there are add-ons that are not loaded, as far as this process has heard; `absent` knows."""
        return bool(self.faults) or not self.timelines.value.nouns <= self._addons.keys()

    def absent(self, now: datetime) -> list[str]:
        """Return the add-ons that are on somewhere and are not even loaded: broken, removed, or left out in safe mode."""
        timeline = self.timelines.value
        return [noun for noun in sorted(timeline.nouns - self._addons.keys()) if timeline.is_on(noun, now)]

    def is_idle(self, noun: str, now: datetime) -> bool:
        """Return whether an add-on is on somewhere and does not run in this process: its work waits."""
        if noun == CORE or (noun in self._addons and noun not in self.held and noun not in self.suspended):
            return False
        return self.timelines.value.is_on(noun, now)

    def state(self, entity_id: int, noun: str, now: datetime) -> State:
        """Return whether an add-on is enabled, draining or disabled for an entity at a time."""
        return "enabled" if noun == CORE else self.timelines.value.state(entity_id, noun, now)

    def is_held(self, noun: str) -> bool:
        """Return whether an add-on is off everywhere whatever is recorded: suspended, or its tables are not ready."""
        return self.timelines.value.is_held(noun)

    def enabled(self, entity_id: int, noun: str, now: datetime) -> bool:
        """Return whether new intents are taken."""
        return self.state(entity_id, noun, now) == "enabled"

    def active(self, entity_id: int, noun: str, now: datetime) -> bool:
        """Return whether hooks and jobs run: enabled, or draining what is open."""
        return self.state(entity_id, noun, now) != "disabled"

    def entities_with(
        self, noun: str, entities: Iterable[int], now: datetime, *, draining: bool = False
    ) -> tuple[int, ...]:
        """Return those of the entities where the add-on is enabled, or with `draining` also where it runs out."""
        test = self.active if draining else self.enabled
        return tuple(entity_id for entity_id in entities if test(entity_id, noun, now))

    def hold(self, faults: Iterable[Fault]) -> None:
        """Switch these add-ons off in this process, and what requires them, until told otherwise: nobody else is."""
        held = self._with_dependants(faults)
        if held != self.held:
            self.held = held
            self.timelines.forget()

    def timeline(self, session: Session) -> Timeline:
        """Read which add-on is on for whom; those that are held or suspended are for nobody."""
        self.suspended = self._with_dependants(suspensions(session).values())
        return Timeline(enablements(session), held={*self.held, *self.suspended})

    @property
    def idle(self) -> tuple[Fault, ...]:
        """Why each add-on that does not run in this process does not, as far as is known here."""
        return (*self.faults, *self.held.values(), *self.suspended.values())

    def _with_dependants(self, faults: Iterable[Fault]) -> dict[str, Fault]:
        found = {fault.noun: fault for fault in faults}
        for addon in self._addons.values():  # requirements come first, so one pass suffices
            if addon.noun not in found and (gone := [noun for noun in addon.requires if noun in found]):
                found[addon.noun] = Fault(addon.noun, f"requires {', '.join(gone)}, which does not run", SEE_THERE)
        return found

    def forget(self) -> None:
        """Have the next transaction read enablement and policies anew, whatever their versions."""
        self.timelines.forget()
        self.policy_books.forget()


def load(installed: Installed) -> Addons:
    """Load the add-ons that can be, each broken one left out in its turn; the core alone is asked for nothing less."""
    while True:
        try:
            return Addons(installed.addons, installed.faults)
        except BrokenAddon as broken:
            installed = without(installed, broken)


def _register(hooks: pluggy.PluginManager, plugin: Any, noun: str) -> None:
    try:
        with blame(noun, "when its hooks were registered"):
            hooks.register(plugin, name=noun)
    except BrokenAddon as broken:
        if isinstance(broken.__cause__, pluggy.PluginValidationError):
            raise _misfit(broken.__cause__, noun) from broken.__cause__
        raise


def _misfit(error: pluggy.PluginValidationError, noun: str) -> BrokenAddon:
    said = " ".join(str(error).replace(f"Plugin {noun!r} for hook", "for hook").split())
    return BrokenAddon.of(noun, f"implements a hook otherwise than its spec says ({said})")


def _verify(hooks: pluggy.PluginManager) -> None:
    """Refuse what would not be called as it is meant: a hook that nobody offers, or one that wraps the others' answers."""
    callers = {name: caller for name, caller in vars(hooks.hook).items() if isinstance(caller, pluggy.HookCaller)}
    offered = [name for name, caller in callers.items() if caller.has_spec()]
    for name, caller in callers.items():
        for impl in caller.get_hookimpls():
            if impl.wrapper or impl.hookwrapper:
                raise BrokenAddon.of(impl.plugin_name, f"wraps the hook {name!r}", "have it implement the hook instead")
            if name not in offered and not impl.optionalhook:
                near = get_close_matches(name, offered, 3)
                raise UnknownHook.of(
                    impl.plugin_name,
                    f"implements the hook {name!r}, which neither Onhand nor what it is started with offers"
                    + (f" (near to it: {', '.join(near)})" if near else ""),
                    "require the add-on that offers it in pyproject.toml and install again (pip install -e .); if it need "
                    "not be there, mark it hookimpl(optionalhook=True)",
                )


def enablements(session: Session) -> list[Enablement]:
    """Return every enablement of an entity in the order of its effect."""
    rows = cursor(session).execute(
        "SELECT entity_id, addon, state, effective_from FROM onhand.enablement WHERE entity_id IS NOT NULL "
        "ORDER BY effective_from, id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows.fetchall()]


def suspensions(session: Session) -> dict[str, Fault]:
    """Return the add-ons that are switched off for every entity, each with who did so and why."""
    rows = cursor(session).execute(
        "SELECT DISTINCT ON (addon) addon, state, actor, reason, recorded_at FROM onhand.enablement"
        " WHERE entity_id IS NULL ORDER BY addon, id DESC"
    )
    return {
        row[0]: Fault(
            row[0],
            f"was suspended by {row[2]} on {row[4]:%Y-%m-%d %H:%M} UTC, because {row[3]}",
            f"mend it, then `onhand addon resume {row[0]}`",
        )
        for row in rows.fetchall()
        if row[1] == "suspended"
    }


def policy_book(session: Session) -> PolicyBook:
    """Return every policy version that was not replaced or cancelled before its time, arranged for look-up."""
    rows = cursor(session).execute(
        "SELECT id, policy, item_id, category_id, location_id, channel_id, entity_id, value, effective_from, condition "
        "FROM onhand.policy_version v WHERE NOT cancels "
        "AND NOT EXISTS (SELECT FROM onhand.policy_version later WHERE later.replaces = v.id) "
        "ORDER BY effective_from, id"
    )
    return PolicyBook((row[0], row[1], tuple(row[2:7]), *row[7:]) for row in rows.fetchall())

"""The add-ons of this process: their hooks, and for which entities each is switched on."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pluggy
from sqlalchemy.orm import Session

from onhand.addons.boundary import Boundary
from onhand.addons.contributed import asks_nothing, checked, named_twice
from onhand.addons.faults import BrokenAddon, Fault
from onhand.addons.graph import Addon, Installed, in_order, without
from onhand.addons.latest import Latest
from onhand.addons.registering import CORE, registered
from onhand.addons.timeline import State, Timeline, enablements, suspensions
from onhand.contributions import PolicyScope, PolicyType
from onhand.policies.book import PolicyBook

__all__ = ["Addons", "load"]

SEE_THERE = "see there what to do"


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
        self._hooks = registered(self._addons.values())
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

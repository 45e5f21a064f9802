"""Payloads: what lies in the outbox and in the queue when a new version starts was written by the one before.

An add-on keeps a sample of every event it tells and of every job's arguments in `payloads.json`, and adds one whenever a
shape changes. Every sample ever kept must be read by the code of today.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec

from onhand.addons import Addons
from onhand.contract.hooks import hints, offered
from onhand.contract.subject import Subject
from onhand.hooks import kind_of
from onhand.jobs import JobActor
from onhand.outbox import hook_of

__all__ = ["FILE", "NoSample", "Samples", "event_types", "events", "keep", "kept", "samples"]

FILE = "payloads.json"
Samples = dict[str, dict[str, list[Any]]]
PLAIN: dict[Any, Any] = {
    int: 1,
    str: "text",
    bool: True,
    float: 0.5,
    Decimal: Decimal("1.5"),
    datetime: datetime(2026, 1, 5, 9, tzinfo=UTC),
    date: date(2026, 1, 5),
    UUID: UUID("019b8e2c-0000-7000-8000-000000000001"),
    Any: "anything",
    NoneType: None,
}


class NoSample(Exception):
    """A type of which no sample can be made by itself: write one into the file by hand."""


def event_types(addons: Addons, package: str) -> dict[str, Any]:
    """Return the events that a package's observe-hooks tell, by hook."""
    found: dict[str, Any] = {}
    for name, spec in offered(addons, package).items():
        if kind_of(spec) == "observe":
            said = hints(spec)
            found[name] = get_args(said["events"])[0] if "events" in said else said["event"]
    return found


def events(subject: Subject) -> Iterator[str]:
    """Yield events that are not frozen, name no entity, live elsewhere, or are not named as their hook is."""
    package = subject.addon.package
    for hook, kind in event_types(subject.addons, package).items():
        name = kind.__name__
        if not getattr(getattr(kind, "__dataclass_params__", None), "frozen", False):
            yield f"{name} is no frozen dataclass: who observes it must not be able to change it"
        if "entity_id" not in getattr(kind, "__annotations__", {}):
            yield f"{name} has no entity_id: an event is of one entity"
        if kind.__module__ != f"{package}.events":
            yield f"{name} is defined in {kind.__module__}, not in {package}.events"
        if hook_of(kind) != hook:
            yield f"{name} is told to {hook_of(kind)}, so {hook} would never hear of it"


def samples(subject: Subject) -> Iterator[str]:
    """Yield payloads without a sample of their present shape, and samples that can no longer be read."""
    found, types = kept(subject.package), event_types(subject.addons, subject.addon.package)
    add = f"add one: onhand addon check {subject.addon.distribution} --keep-samples"
    for hook, kind in types.items():
        for sample in found["events"].get(hook, ()):
            yield from _unreadable(f"the sample of {hook}", sample, kind)
        if not _covers(found["events"].get(hook, ()), _fields_of(kind)):
            yield f"no sample of {hook} has the fields that {kind.__name__} has now; {add}"
    for actor in subject.actors:
        for sample in found["jobs"].get(actor.name, ()):
            yield from _unfit(actor, sample)
        if not _covers(found["jobs"].get(actor.name, ()), set(_arguments(actor))):
            yield f"no sample of {actor.name} has the arguments that it takes now; {add}"
    gone = found["events"].keys() - types.keys() | found["jobs"].keys() - {actor.name for actor in subject.actors}
    yield from (f"{name} is gone, but what was told to it may still wait: drain it, then drop its samples" for name in
                sorted(gone))  # fmt: skip


def kept(package: Path) -> Samples:
    """Return the samples that a package keeps."""
    file = package / FILE
    read = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    return {"events": read.get("events", {}), "jobs": read.get("jobs", {})}


def keep(subject: Subject) -> list[str]:
    """Add a sample of every payload whose present shape has none; return their names. NoSample where one must be written."""
    found, added = kept(subject.package), []
    for hook, kind in event_types(subject.addons, subject.addon.package).items():
        if not _covers(found["events"].get(hook, ()), _fields_of(kind)):
            found["events"].setdefault(hook, []).append(msgspec.to_builtins(_made(kind)))
            added.append(hook)
    for actor in subject.actors:
        arguments = _arguments(actor)
        if not _covers(found["jobs"].get(actor.name, ()), set(arguments)):
            sample = {name: msgspec.to_builtins(_made(kind)) for name, kind in arguments.items()}
            found["jobs"].setdefault(actor.name, []).append(sample)
            added.append(actor.name)
    if added:
        text = msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=2)
        (subject.package / FILE).write_bytes(text + b"\n")
    return added


def _arguments(actor: JobActor[...]) -> dict[str, Any]:
    """Return what an actor takes besides the entities, with its types."""
    function: Callable[..., Any] = actor.function
    said = hints(function)
    return {name: said.get(name, Any) for name in list(inspect.signature(function).parameters)[1:]}


def _covers(found: Any, wanted: set[str]) -> bool:
    return any(isinstance(sample, dict) and sample.keys() >= wanted for sample in found)


def _fields_of(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()


def _unreadable(what: str, sample: Any, kind: Any) -> Iterator[str]:
    try:
        msgspec.json.decode(msgspec.json.encode(sample), type=kind)
    except msgspec.ValidationError as error:
        yield f"{what} {_brief(sample)} can no longer be read: {error}; give what is new a default"


def _unfit(actor: JobActor[...], sample: Mapping[str, Any]) -> Iterator[str]:
    try:
        inspect.signature(actor.function).bind((), **sample)
    except TypeError as error:
        yield f"{actor.name} can no longer be called with {_brief(sample)}: {error}; give what is new a default"
        return
    for name, kind in _arguments(actor).items():
        if name in sample:
            yield from _unreadable(f"{name} of {actor.name}", sample[name], kind)


def _brief(sample: Any) -> str:
    text = msgspec.json.encode(sample).decode()
    return text if len(text) <= 120 else f"{text[:119]}…"


def _made(kind: Any) -> Any:
    """Return something of a type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        said = hints(kind)
        return kind(**{field.name: _made(said[field.name]) for field in dataclasses.fields(kind) if field.init})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if origin is Literal:
        return arguments[0]
    if origin in {Union, UnionType}:
        return _made(next(each for each in arguments if each is not NoneType))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_made(arguments[0]): _made(arguments[1])}
    if isinstance(origin, type) and arguments:
        return [_made(each) for each in arguments if each is not ...]
    raise NoSample(f"no sample of {kind} can be made: write one into {FILE}")

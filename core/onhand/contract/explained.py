"""Help: whatever people may choose, hold, see or call says what it is."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from onhand.contract.subject import Subject
from onhand.problems import Problem

__all__ = ["commands", "contributed", "problems", "public_names"]

LABELLED = ("permissions", "policies", "exception_kinds", "approval_kinds", "kpis", "menu", "policy_backtests")
EXPLAINED = (
    ("policies", "help"), ("kpis", "explains"), ("invariants", "explains"), ("importers", "help"), ("exporters", "help"),
)  # fmt: skip
WORDS_MIN = 3


def contributed(subject: Subject) -> Iterator[str]:
    """Yield permissions, policies, kinds and figures that do not say in people's words what they are."""
    for hook in LABELLED:
        for each in subject.contributed(hook):
            name = getattr(each, "name", each.label)
            if not each.label.strip() or (name == each.label and "." in name):
                yield f"{hook}: {name} has no label"
    for hook, attribute in EXPLAINED:
        for each in subject.contributed(hook):
            if len(getattr(each, attribute).split()) < WORDS_MIN:
                yield f"{hook}: {each.name} does not say in {attribute} what it means"
    for policy in subject.contributed("policies"):
        yield from (f"policies: {policy.name} does not say what {each.name} is" for each in policy.variables
                    if len(each.help.split()) < WORDS_MIN)  # fmt: skip


def commands(subject: Subject) -> Iterator[str]:
    """Yield commands and options of the command line without help."""
    for command in subject.contributed("commands"):
        yield from _command(command, str(command.name))


def _command(command: click.Command, path: str) -> Iterator[str]:
    if not (command.help or "").strip():
        yield f"onhand {path} has no help"
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _command(inner, f"{path} {name}")
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden and not param.help and not param.is_flag:
            yield f"onhand {path}: {param.opts[-1]} has no help"


def problems(package: str, known: Mapping[str, type[Problem]]) -> Iterator[str]:
    """Yield refusals that programs could not tell apart, or that do not say when they are given."""
    seen: dict[str, str] = {}
    for slug, kind in known.items():
        seen.setdefault(kind.title, slug)
        if not f"{kind.__module__}.".startswith(f"{package}."):
            continue
        if not 400 <= kind.status < 600:
            yield f"{kind.__name__} is a refusal with status {kind.status}"
        if not (kind.__doc__ or "").strip() or kind.__doc__ == (kind.__base__.__doc__ if kind.__base__ else None):
            yield f"{kind.__name__} does not say when it is given"
        if seen[kind.title] != slug:
            yield f"{kind.__name__} has the title of {seen[kind.title]}: {kind.title!r}"


def public_names(package: str) -> Iterator[str]:
    """Yield public modules that do not list what they offer, and names of `api` that are missing or undocumented."""
    if not (import_module(f"{package}.plugin").__doc__ or import_module(package).__doc__ or "").strip():
        yield f"{package}.plugin does not say what the add-on is for"
    if find_spec(f"{package}.api") is None:
        return
    api = import_module(f"{package}.api")
    names: list[str] | None = getattr(api, "__all__", None)
    if names is None:
        yield f"{package}.api has no __all__: what it offers is a promise, so it is listed"
        return
    for name in names:
        thing: Any = getattr(api, name, None)
        if thing is None:
            yield f"{package}.api lists {name}, which it does not have"
        elif (inspect.isclass(thing) or inspect.isfunction(thing)) and not (inspect.getdoc(thing) or "").strip():
            yield f"{package}.api.{name} has no docstring"

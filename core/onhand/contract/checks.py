"""The checks, in the order in which they are told. Each yields what is wrong; none of them needs a database."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from onhand.contract import doors, explained, figures, files, hooks, jobs, names, payloads, revisions, sources, tables
from onhand.contract.subject import Subject
from onhand.db import Base
from onhand.problems import catalogue

__all__ = ["CHECKS", "Check"]


@dataclass(frozen=True, slots=True)
class Check:
    """Something every add-on keeps to. `name` is a sentence; `advice` says what to do where it is broken."""

    name: str
    advice: str
    faults: Callable[[Subject], Iterable[str]]

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def _all(*found: Iterable[str]) -> Iterator[str]:
    for each in found:
        yield from each


def _permissions(subject: Subject) -> set[str]:
    return set(subject.app.extensions["onhand_access"].permissions)


def _hours(subject: Subject) -> set[str]:
    types = subject.addons.policy_types.items()
    return {name for name, policy in types if policy.type is int and policy.unit == "hours"}


CHECKS: tuple[Check, ...] = (
    Check("one noun names everything", "name package, distribution and entry point after the noun",
          lambda s: _all(names.nouns(s.addon), names.entry_points(s.addon))),
    Check("contributions begin with the noun", "begin names with the noun and a dot; pages lie under /<noun>/",
          names.prefixes),
    Check("files lie under the noun", "move templates and static files into a folder of the noun",
          names.folders),
    Check("verbs know nothing of requests", "hand the verb what it needs; the view reads the request",
          lambda s: sources.verbs(s.package)),
    Check("only run ends a transaction", "take the session and leave its end to run()",
          lambda s: sources.transactions(s.package)),
    Check("verbs read no clock", "take now, which is the database's clock",
          lambda s: sources.clocks(s.package)),
    Check("views ask queries and verbs", "move the statement into queries.py or services.py",
          lambda s: sources.views(s.package)),
    Check("only public names of other add-ons are imported", "import from their api, events or hooks",
          lambda s: sources.public_doors(s.package)),
    Check("only public names of the core are imported", "import what the module lists in __all__",
          lambda s: sources.core_names(s.package)),
    Check("what is imported is required", "add it to the dependencies in pyproject.toml",
          sources.declared),
    Check("hooks offered say what they are", "begin the docstring with the kind and say what raising does",
          lambda s: hooks.specs(s.addons, s.addon.package)),
    Check("hook signatures match their specs", "annotate as the spec does",
          hooks.signatures),
    Check("contributions are what was asked for", "return a list of what the spec names",
          hooks.contributions),
    Check("events are frozen and told by name", "write frozen dataclasses with entity_id into events.py",
          payloads.events),
    Check("payloads survive a version", "give what is new a default; keep old samples, add one of the new shape",
          payloads.samples),
    Check("jobs end and say why twice is harmless", "write the docstring; bound attempts and seconds_max",
          lambda s: jobs.actors(s.actors)),
    Check("schedules can be kept", "give a schedule either every or cron, and a job of its own add-on",
          lambda s: jobs.schedules(s.contributed("schedules"), s.noun)),
    Check("routes ask for permissions there are", "declare the permission; require the add-on whose permission it is",
          lambda s: doors.asked(s.doors, s.nouns_in_reach, _permissions(s))),
    Check("permissions declared are asked for", "drop the permission, or ask for it with @requires",
          doors.permissions),
    Check("the menu leads to pages it may show", "give the line the endpoint and the permission of its page",
          doors.menu),
    Check("the API is described", "write a docstring of one sentence per method, and declare its schemas",
          doors.descriptions),
    Check("tables say whose rows they have", "declare scope, schema and entity_id in table(…)",
          lambda s: tables.scopes(s.noun, tables.declared_tables(s.addon.package))),
    Check("tables lean only on what is required", "require the add-on, or keep its id without a foreign key",
          lambda s: tables.references(tables.declared_tables(s.addon.package), s.nouns_in_reach)),
    Check("no objects across add-ons", "keep the id and ask the other add-on's api",
          lambda s: tables.relationships(s.addon.package, Base.registry.mappers)),
    Check("revisions are one line with a way back", "name each after the one before; write downgrade()",
          lambda s: revisions.line(s.package, s.noun)),
    Check("revisions do not import the code", "write the SQL down in the revision",
          lambda s: revisions.imports(s.package)),
    Check("whatever people choose has help", "say in label, help and explains what it is, in the field's words",
          lambda s: _all(explained.contributed(s), explained.commands(s))),
    Check("refusals can be told apart", "give each Problem a docstring, a title of its own and a status from 400 on",
          lambda s: explained.problems(s.addon.package, catalogue())),
    Check("what others may call is listed and documented", "list it in __all__ of api.py and write its docstring",
          lambda s: explained.public_names(s.addon.package)),
    Check("exception kinds are one of a kind", "rename the kind; declare the policy of hours it names",
          lambda s: figures.kinds(s.contributed("exception_kinds"), s.addons.gather("exception_kinds"), _hours(s))),
    Check("figures only read, and end", "write one SELECT with a LIMIT",
          lambda s: figures.figures(s.contributed("kpis"), _permissions(s))),
    Check("laws only read", "write one SELECT of the rows that break the law, under a name of its own",
          lambda s: figures.laws(s.contributed("invariants"), s.addons.gather("invariants"))),
    Check("templates build on what is required", "mend the template; extend onhand/base.html",
          lambda s: files.templates(s.package, s.noun, s.app.jinja_env, s.nouns_in_reach)),
    Check("no script and no style inside pages", "move scripts and styles into static/<noun>/",
          lambda s: files.inline(s.package)),
    Check("nothing is fetched from elsewhere", "ship the file in static/<noun>/, with its licence",
          lambda s: files.outside(s.package)),
    Check("forms carry their token", "put {{ ui.csrf() }} into every form that posts",
          lambda s: files.forms(s.package)),
)  # fmt: skip

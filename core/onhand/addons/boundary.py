"""The boundary around every hook that an add-on implements: who is at work, for how long, and what came of it.

It costs a microsecond or two per call; a hook that nobody implements has none.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache, wraps
from threading import get_ident
from time import perf_counter
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin
from weakref import WeakSet

import pluggy
import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onhand.addons.contributed import hints, unfit
from onhand.addons.faults import Passing
from onhand.db import still_open, work
from onhand.hooks import HookKind, kind_of
from onhand.problems import Problem

__all__ = ["Boundary", "Failure", "Junk", "Spent", "Turn", "failure_of"]

T = TypeVar("T")
SPENT_MAX = 50_000
PASSING_STATES = ("08", "40", "55P03", "57P", "26000")
"""Of the database's own making, and nobody's fault: a connection lost, a deadlock or a lock, the server going down."""
TIMED_OUT = frozenset({"57014", "25P03"})
BLAMED = "onhand_failure"


class Junk(TypeError):
    """A hook returned what its spec does not allow."""


class Forked(RuntimeError):
    """A hook forked the process."""


class Failure(NamedTuple):
    """An add-on raised in a hook, or was cut off there by the database's time-outs."""

    noun: str
    hook: str
    error: str
    is_cut: bool

    @property
    def outline(self) -> str:
        """Who failed where, without what it said: that is for the log and for administrators."""
        return f"the add-on {self.noun!r} {'took too long' if self.is_cut else 'failed'} in {self.hook}"

    def __str__(self) -> str:
        how = "took too long" if self.is_cut else f"failed ({self.error})"
        return f"the add-on {self.noun!r} {how} in {self.hook}"


class Turn(NamedTuple):
    """A hook, or other work, of an add-on's in a thread. `outer`: the hook it was called from; `seconds_max`: its own limit."""

    noun: str
    hook: str
    kind: str
    started: float
    session: Session | None = None
    outer: "Turn | None" = None
    seconds_max: float | None = None


class Spent(NamedTuple):
    """A hook that has ended: the seconds it took, and how it failed, if it did."""

    noun: str
    hook: str
    kind: str
    seconds: float
    failure: Failure | None


class Boundary:
    """The hooks at work in this process, by thread, and those that have ended since somebody last asked."""

    def __init__(self) -> None:
        self.turns: dict[int, Turn] = {}
        self.spent: deque[Spent] = deque(maxlen=SPENT_MAX)
        self.is_watched = False
        self.forked: set[int] = set()
        _boundaries.add(self)

    def bind(self, manager: pluggy.PluginManager, nouns: Iterable[str]) -> None:
        """Have every hook of these add-ons called through this boundary, whoever calls it."""
        wanted = set(nouns)
        for name, caller in vars(manager.hook).items():
            spec = getattr(caller, "spec", None)
            for impl in caller.get_hookimpls() if spec is not None else ():
                if impl.plugin_name in wanted:
                    impl.function = self._bounded(impl, name, caller.spec.function)

    def at_work(self, noun: str, name: str, kind: str, function: Callable[[], T], *, seconds_max: float) -> T:
        """Call something else of an add-on's, a job or a step of a loop, where a watch sees it."""
        thread = get_ident()
        self.turns[thread] = Turn(noun, name, kind, perf_counter(), seconds_max=seconds_max)
        try:
            return function()
        finally:
            self._leave(thread, None)

    def contributed(self, noun: str, name: str, function: Callable[[], T], *, session: Session) -> T:
        """Call something that an add-on contributed, the query of a figure say, as a hook of its own is called."""
        thread, started = get_ident(), perf_counter()
        outer = self.turns.get(thread)
        self.turns[thread] = Turn(noun, name, "contribute", started, session, outer)
        failure = None
        try:
            answer = function()
            still_open(session)
            return answer
        except Exception as error:
            failure = _judged(error, noun, name)
            raise
        finally:
            self._leave(thread, outer)
            self.spent.append(Spent(noun, name, "contribute", perf_counter() - started, failure))

    def _bounded(self, impl: pluggy.HookImpl, hook: str, spec: Callable[..., Any]) -> Callable[..., Any]:
        noun, kind, function = impl.plugin_name, kind_of(spec), impl.function
        names = tuple(impl.argnames)
        session_at = names.index("session") if "session" in names else None
        owner = OWNERS[kind](noun)
        fits = _fitting(hook, spec, names)

        @wraps(function)
        def bounded(*given: Any) -> Any:
            thread = get_ident()
            outer = self.turns.get(thread)
            session = None if session_at is None else given[session_at]
            before = work.owner
            if owner is not None:
                work.owner = owner
            started = perf_counter()
            self.turns[thread] = Turn(noun, hook, kind, started, session, outer)
            failure = None
            try:
                answer = function(*(each.copy() if type(each) is list else each for each in given))
                if session is not None:
                    still_open(session)
                if self.forked and thread in self.forked:
                    raise Forked("it forked the process, and a child shares its connections: use subprocess, in a job")
                if fits is not None:
                    fits(answer, given)
                return answer
            except SystemExit as error:
                failure = Failure(noun, hook, "it ended the thread", is_cut=False)
                raise _blamed(RuntimeError(str(failure)), failure) from error
            except Exception as error:
                failure = _judged(error, noun, hook)
                raise
            finally:
                work.owner = before
                self._leave(thread, outer)
                self.spent.append(Spent(noun, hook, kind, perf_counter() - started, failure))

        return bounded

    def _leave(self, thread: int, outer: Turn | None) -> None:
        self.forked.discard(thread)
        if outer is None:
            self.turns.pop(thread, None)
        else:
            self.turns[thread] = outer


OWNERS: dict[HookKind, Callable[[str], str | None]] = {
    "contribute": lambda _: None,
    "decide": lambda noun: noun,
    "guard": lambda _: "",
    "extend": lambda noun: noun,
    "observe": lambda _: None,
}
"""Whose tables alone may be written inside a hook: its own add-on's, nobody's (`""`), or anybody's by their verbs (None)."""


_boundaries: WeakSet[Boundary] = WeakSet()


def _hooks_here() -> list[tuple[Boundary, Turn]]:
    found = [(each, each.turns.get(get_ident())) for each in list(_boundaries)]
    return [(each, turn) for each, turn in found if turn is not None and turn.kind in OWNERS]


def _note_fork() -> None:
    for each, _ in _hooks_here():
        each.forked.add(get_ident())


def _end_child() -> None:
    """End the child of a hook's fork: it would answer its parent's requests, and speak on its parent's connections."""
    for _ in _hooks_here():
        os._exit(70)


os.register_at_fork(after_in_child=_end_child, after_in_parent=_note_fork)


def failure_of(error: BaseException | None) -> Failure | None:
    """Return the add-on that an error came from, where it came through the boundary of a hook."""
    while error is not None:
        found: Failure | None = getattr(error, BLAMED, None)
        if found is not None:
            return found
        error = error.orig if isinstance(error, DBAPIError) else error.__cause__
    return None


def _judged(error: Exception, noun: str, hook: str) -> Failure | None:
    """Say whose failure an error is: None for refusals, for what is nobody's fault, and for what an inner hook raised."""
    if isinstance(error, (Problem, Passing)) or failure_of(error) is not None:
        return None
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = (cause.sqlstate or "08") if isinstance(cause, psycopg.Error) else ""
    if state and state not in TIMED_OUT and state.startswith(PASSING_STATES):
        return None
    failure = Failure(noun, hook, " ".join(f"{type(cause).__name__}: {cause}".split())[:300], state in TIMED_OUT)
    _blamed(error, failure)
    return failure


def _blamed(error: Exception, failure: Failure) -> Exception:
    setattr(error, BLAMED, failure)
    return error


def _fitting(hook: str, spec: Callable[..., Any], names: Sequence[str]) -> Callable[[Any, Sequence[Any]], None] | None:
    """Return what checks an answer against the spec; None where the spec says of no list."""
    if kind_of(spec) in {"extend", "observe"}:
        return None
    one_per: str | None = getattr(spec, "onhand_one_per", None)
    at = names.index(one_per) if one_per in names else None

    def check(answer: Any, given: Sequence[Any]) -> None:
        wanted = _listed(spec)
        if not wanted.is_list or (answer is None and wanted.may_be_none):
            return
        for said in unfit(hook, answer, wanted.spec, of=wanted.of):
            raise Junk(said)
        if at is not None and len(answer) != len(given[at]):
            raise Junk(f"{hook} returns {len(answer)} answers for {len(given[at])} {one_per}")

    return check


class _Listed(NamedTuple):
    spec: Callable[..., Any]
    of: tuple[type, ...]
    is_list: bool
    may_be_none: bool


@cache
def _listed(spec: Callable[..., Any]) -> _Listed:
    wanted = hints(spec).get("return")
    options = get_args(wanted) if get_origin(wanted) in {Union, UnionType} else (wanted,)
    lists = [option for option in options if get_origin(option) is list]
    of: tuple[type, ...] = ()
    if lists:
        [kind] = get_args(lists[0])
        kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
        of = tuple(found for each in kinds if isinstance(found := get_origin(each) or each, type))
    return _Listed(spec, of, bool(lists), type(None) in options)

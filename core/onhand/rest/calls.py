"""The hot doors' own way in: calls are answered without a framework's request around each.

A door written as a generator of a `Call` is an ordinary view of the application, with its route, its permission and its
description. What needs the database it yields, to a `Combiner`, and is sent the answer. Where nothing but ids varies in its
address it is also answered directly by `Lane`: the same gate, the same problems, the same headers, at a fifth of the cost;
and many visitors at once, whose calls then share a thread as well as a transaction.
"""

import functools
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from flask import Flask, Response, g, request
from flask.ctx import AppContext

from onhand import logs
from onhand.combine import Combiner, Outcome
from onhand.metrics import request_seconds
from onhand.problems import Malformed, Problem
from onhand.rest.errors import problem_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

    from onhand.access.doors import Door

__all__ = ["Answer", "Asking", "Call", "Lane", "Visit", "Way", "called"]

log = structlog.get_logger("onhand.request")

JSON = "application/json"
PROBLEM = "application/problem+json"
ARGUMENTS_MAX = 1_000
ID = re.compile("<uuid:([a-z_]+)>")
ID_TEXT = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
Ids = Mapping[str, UUID]
NO_IDS: Ids = {}


class Answer(NamedTuple):
    """What a door answers."""

    status: int
    body: bytes
    content_type: str = JSON

    @property
    def status_line(self) -> str:
        """The status and its name, as HTTP tells them."""
        return f"{self.status} {HTTPStatus(self.status).phrase.upper()}"


class Call(NamedTuple):
    """What a door is asked: body and query as they came, headers by name."""

    body: bytes
    query: str
    header: Callable[[str], str]

    def arguments(self) -> dict[str, list[str]]:
        """Return the query's arguments, each with all of its values; Malformed when it cannot be read."""
        found: dict[str, list[str]] = {}
        for name, value in self._pairs():
            found.setdefault(name, []).append(value)
        return found

    def _pairs(self) -> Iterable[tuple[str, str]]:
        if self.query.count("&") >= ARGUMENTS_MAX:
            raise Malformed(f"the query has more than {ARGUMENTS_MAX} arguments")
        if "%" in self.query or "+" in self.query or not self.query.isascii():
            return parse_qsl(self.query, keep_blank_values=True)
        return [(name, value) for name, _, value in [part.partition("=") for part in self.query.split("&")] if name]


Asked = tuple[Combiner[Any, Any], Any]
Asking = Generator[Asked, Any, Answer]
"""A door at work: it yields whom to ask and what, is sent the answer or thrown the error, and returns its own answer."""
Door_ = Callable[..., Asking]
"""Called with the call, and with the ids in its address by name."""


def called(door: Door_) -> Callable[..., Response]:
    """Make a view of a door that is written as a generator of its call."""

    @functools.wraps(door)
    def view(**ids: UUID) -> Response:
        query = request.query_string.decode("latin-1")
        asking = door(Call(request.get_data(cache=False), query, lambda name: request.headers.get(name, "")), **ids)
        outcome: Outcome[Any] = Outcome(None, None)
        while True:
            try:
                combiner, asked = _go_on(asking, outcome)
            except StopIteration as ended:
                answer: Answer = ended.value
                return Response(answer.body, answer.status, content_type=answer.content_type)
            [outcome] = combiner.ask([asked])

    view.onhand_called = door  # type: ignore[attr-defined]  # marked for us
    return view


def _go_on(asking: Asking, outcome: Outcome[Any]) -> Asked:
    """Tell a door what became of what it asked; return what it asks next. StopIteration has its answer."""
    return asking.send(outcome.answer) if outcome.error is None else asking.throw(outcome.error)


@dataclass(frozen=True, slots=True)
class Way:
    """A door that the lane answers: how it is asked for, what metrics call it, who may pass, and what to do.

    `pattern` finds the ids in its address, where it has any.
    """

    method: str
    path: str
    pattern: re.Pattern[str] | None
    endpoint: str
    guard: "Door"
    door: Door_


class Visit:
    """One request on its way through the lane, and its answer in the end. It has a `g` of its own."""

    __slots__ = ("answer", "asked", "asking", "g", "header", "ids", "is_secure", "more", "query",
                 "read", "request_id")  # fmt: skip

    def __init__(
        self,
        header: Callable[[str], str],
        query: str,
        read: Callable[[], bytes],
        *,
        is_secure: bool,
        ids: Ids = NO_IDS,
    ) -> None:
        """`header` returns a header by name, `read` the body; it is read only of who is let in."""
        self.header = header
        self.ids = ids
        self.query = query
        self.read = read
        self.is_secure = is_secure
        self.request_id = logs.request_id(header("X-Request-ID"))
        self.g: Any = None
        self.asking: Asking | None = None
        self.asked: Asked | None = None
        self.answer = Answer(500, b"")
        self.more: Sequence[tuple[str, str]] = ()


class Lane:
    """In front of the application: answers the hot doors whose address is fixed but for ids, and passes all else on.

    What is unusual, a body without a length or too long a one, is passed on too: the application knows what to say.
    """

    def __init__(self, app: Flask, inner: "WSGIApplication") -> None:
        self._app = app
        self._inner = inner
        self._ways: dict[tuple[str, str], Way] = {}
        self._headers: tuple[tuple[str, str], ...] = ()
        self._secure: tuple[tuple[str, str], ...] = ()
        self._admit: Callable[[Door, str], None] = _nobody
        self.body_bytes_max: int = app.config["MAX_CONTENT_LENGTH"] or 0

    def open(
        self,
        doors: Mapping[tuple[str, str], "Door"],
        admit: "Callable[[Door, str], None]",
        headers: Iterable[tuple[str, str]],
        secure: Iterable[tuple[str, str]],
    ) -> None:
        """Serve from now on what the application has mounted. `secure` headers are added where TLS is spoken."""
        self._admit, self._headers, self._secure = admit, tuple(headers), tuple(secure)
        for rule in self._app.url_map.iter_rules():
            door = getattr(self._app.view_functions[rule.endpoint], "onhand_called", None)
            if door is None or "<" in ID.sub("", rule.rule):
                continue
            pattern = re.compile(ID.sub(rf"(?P<\1>{ID_TEXT})", rule.rule)) if rule.arguments else None
            for method in {"GET", "POST"} & (rule.methods or set()):
                self._ways[method, rule.rule] = Way(
                    method, rule.rule, pattern, rule.endpoint, doors[rule.endpoint, method], door
                )

    def find(self, method: str, path: str) -> tuple[Way, Ids] | None:
        """Return the way of a hot door and the ids in the path; None where the application answers."""
        way = self._ways.get((method, path))
        if way is not None:
            return (way, NO_IDS) if way.pattern is None else None
        for way in self._ways.values():
            if way.pattern is not None and way.method == method and (found := way.pattern.fullmatch(path)):
                return way, {name: UUID(text) for name, text in found.groupdict().items()}
        return None

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request, or have the application answer it."""
        found = self.find(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        length = environ.get("CONTENT_LENGTH") or "0"
        if (
            found is None
            or "HTTP_TRANSFER_ENCODING" in environ
            or not length.isdigit()
            or int(length) > self.body_bytes_max
            or (environ["REQUEST_METHOD"] == "POST" and "CONTENT_LENGTH" not in environ)
        ):
            return self._inner(environ, start_response)
        way, ids = found
        visit = Visit(
            functools.partial(_header, environ),
            environ.get("QUERY_STRING", ""),
            functools.partial(_body, environ, int(length)),
            is_secure=environ.get("wsgi.url_scheme") == "https",
            ids=ids,
        )
        self.answer(way, [visit])
        start_response(visit.answer.status_line, self.headers(visit))
        return (visit.answer.body,)

    def answer(self, way: Way, visits: Sequence[Visit]) -> None:
        """Give each visit its answer. What they ask is asked together; none sees anything of another."""
        started = time.perf_counter()
        with self._app.app_context() as context:
            for visit in visits:
                visit.g = context.g = self._app.app_ctx_globals_class()
                g.request_id = visit.request_id
                self._begin(way, visit)
            while under_way := [visit for visit in visits if visit.asked is not None]:
                by_combiner: dict[Combiner[Any, Any], list[Visit]] = {}
                for visit in under_way:
                    by_combiner.setdefault(visit.asked[0], []).append(visit)  # type: ignore[index]  # as selected
                for combiner, together in by_combiner.items():
                    self._ask(context, way, combiner, together)
            seconds = time.perf_counter() - started
            for visit in visits:
                context.g = visit.g
                request_seconds.labels(way.endpoint, way.method, visit.answer.status).observe(seconds)
                logs.tell_if_notable(way.method, way.path, way.endpoint, visit.answer.status, seconds)

    def headers(self, visit: Visit) -> list[tuple[str, str]]:
        """Return the headers of a visit's answer."""
        return [
            ("Content-Type", visit.answer.content_type),
            ("Content-Length", str(len(visit.answer.body))),
            ("X-Request-ID", visit.request_id),
            *self._headers,
            *(self._secure if visit.is_secure else ()),
            *visit.more,
        ]

    def _begin(self, way: Way, visit: Visit) -> None:
        try:
            self._admit(way.guard, visit.header("Authorization"))
            visit.asking = way.door(Call(visit.read(), visit.query, visit.header), **visit.ids)
        except Exception as error:
            self._fail(way, visit, error)
        else:
            self._step(way, visit, Outcome(None, None))

    def _ask(self, context: AppContext, way: Way, combiner: Combiner[Any, Any], visits: Sequence[Visit]) -> None:
        outcomes = combiner.ask([visit.asked[1] for visit in visits])  # type: ignore[index]  # as selected
        for visit, outcome in zip(visits, outcomes, strict=True):
            context.g = visit.g
            self._step(way, visit, outcome)

    def _step(self, way: Way, visit: Visit, outcome: Outcome[Any]) -> None:
        """Let a door go on until it asks again, answers or raises."""
        visit.asked = None
        try:
            visit.asked = _go_on(visit.asking, outcome)  # type: ignore[arg-type]  # begun before
        except StopIteration as ended:
            visit.answer = ended.value
        except Exception as error:
            self._fail(way, visit, error)

    def refuse(self, visit: Visit, problem: Problem) -> None:
        """Answer a visit with a problem."""
        visit.answer = Answer(problem.status, problem.body(), PROBLEM)
        visit.more = tuple(problem.headers.items())

    def _fail(self, way: Way, visit: Visit, error: Exception) -> None:
        problem = error if isinstance(error, Problem) else problem_of(error)
        if problem is not error and problem.status >= 500:
            log.error("unexpected", endpoint=way.endpoint, status=problem.status, exc_info=error)
        self.refuse(visit, problem)


def _header(environ: dict[str, Any], name: str) -> str:
    value: str = environ.get("HTTP_" + name.upper().replace("-", "_"), "")
    return value


def _body(environ: dict[str, Any], length: int) -> bytes:
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    if len(body) < length:
        raise Malformed(f"the body ends after {len(body)} of {length} bytes")
    return body


def _nobody(_: object, __: str) -> None:
    raise RuntimeError("the lane is not open yet")

"""Every address of the application, who may come in by its declaration, and the requests that try it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from zlib import crc32

from flask import Flask
from flask.testing import FlaskClient
from onhand.access.doors import Door, doors_of
from onhand.testing.samples import Sample
from werkzeug.test import TestResponse

__all__ = ["UNSAFE", "Address", "addresses", "faulty", "random_values"]

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
VARIABLE = re.compile(r"<(?:(?P<converter>[a-z_]+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
NEVER = "0199d2a4-7c3f-7000-8000-00000000dead"
ABSURD = {
    "int": ["999999999", "2147483648", "9223372036854775808", "99999999999999999999999999"],
    "uuid": [NEVER, "00000000-0000-0000-0000-000000000000"],
    "path": ["none", "..%2f..%2fetc%2fpasswd"],
    "string": [
        "NONE",
        "%00",
        "x" * 300,
        "%F0%9F%92%A9",
        "'%20OR%201=1--",
        "..%2f",
        "20260105T080000.000000Z-9223372036854775808",
        "%3Cscript%3E",
    ],
}
FORM = {"reason": "tried", "note": "tried", "comment": "tried"}
ABSURD_EACH = 4
_keys = count(1)


@dataclass(frozen=True, slots=True)
class Address:
    """One method of one rule."""

    method: str
    rule: str
    endpoint: str
    door: Door

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def is_unsafe(self) -> bool:
        return self.method in UNSAFE

    @property
    def variables(self) -> list[tuple[str, str]]:
        """Each variable's key among samples, `segment/name`, and its converter."""
        found = []
        for match in VARIABLE.finditer(self.rule):
            before = [part for part in self.rule[: match.start()].split("/") if part and not part.startswith("<")]
            found.append((f"{before[-1] if before else ''}/{match['name']}", match["converter"] or "string"))
        return found

    def missing(self, samples: Mapping[str, Sample]) -> list[str]:
        return [key for key, _ in self.variables if key not in samples]

    def path(self, values: Mapping[str, str], query: str = "") -> str:
        """Return the address with values in place of its variables."""
        keys = iter(self.variables)
        path = VARIABLE.sub(lambda _: values[next(keys)[0]], self.rule)
        return f"{path}?{query}" if query else path

    def of(self, samples: Mapping[str, Sample]) -> str:
        """Return the address of these samples, with the query that it needs."""
        query = samples.get(f"?{self.rule}")
        return self.path({key: samples[key].value for key, _ in self.variables}, query.value if query else "")

    def ask(
        self, client: FlaskClient, path: str, *, token: str | None = None, csrf: str = "", **more: object
    ) -> TestResponse:
        """Ask as a browser with the token of its forms, or as a program; the body is empty unless one is given."""
        headers = {}
        if self.door.is_api:
            headers |= {"Authorization": f"Bearer {token}"} if token else {}
            if self.is_unsafe:
                headers["Idempotency-Key"] = f"matrix-{next(_keys)}"
                more.setdefault("json", {})
        elif self.is_unsafe:
            headers |= {"X-CSRFToken": csrf} if csrf else {}
            more.setdefault("data", FORM)
        return client.open(path, method=self.method, headers=headers, **more)


def addresses(app: Flask) -> list[Address]:
    """Return every address but those of static files, in the order of their rules."""
    doors = doors_of(app)
    return [
        Address(method, rule.rule, rule.endpoint, doors[rule.endpoint, method])
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
        for method in sorted(rule.methods or ())
        if (rule.endpoint, method) in doors and not rule.endpoint.endswith("static")
    ]


def random_values(address: Address, samples: Mapping[str, Sample]) -> Iterator[dict[str, str]]:
    """Yield values that name nothing, one variable at a time, the others being samples where there are any.

    Four for each variable, others at each address, the same in every run.
    """
    for key, converter in address.variables:
        absurdities = ABSURD.get(converter, ABSURD["string"])
        first = crc32(f"{address} {key}".encode()) % len(absurdities)
        for absurd in [*absurdities[first:], *absurdities[:first]][:ABSURD_EACH]:
            values = {other: samples[other].value if other in samples else "none" for other, _ in address.variables}
            yield values | {key: absurd}


def faulty(answer: TestResponse) -> bool:
    """Return whether something broke: no request may do that."""
    return answer.status_code >= 500

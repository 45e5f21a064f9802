"""Pages as a browser is given them: whole, named, labelled, and let work by the content security policy."""

from collections import Counter
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from flask import Flask
from flask.testing import FlaskClient

from onhand.contract.files import INLINE
from onhand.testing.browser import WIDTHS, Visit, served
from onhand.testing.contract.doors import Route

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["page_faults", "shown", "sight_faults"]

PHONE = WIDTHS[0]
VOID = frozenset({"input", "img", "br", "hr", "meta", "link", "source", "wbr", "col", "area", "track", "embed", "base"})
UNLABELLED = frozenset({"hidden", "submit", "button", "reset", "image"})
NAMES = ("aria-label", "aria-labelledby", "title")


def shown(browser: FlaskClient, routes: Iterable[Route]) -> dict[str, str]:
    """Return the pages among what these routes answer to someone signed in: text by address."""
    asked = {route.path for route in routes if route.method == "GET" and not route.door.is_api}
    answers = {path: browser.get(path) for path in sorted(asked)}
    return {
        path: answer.text
        for path, answer in answers.items()
        if answer.mimetype == "text/html" and answer.status_code == 200
    }


def sight_faults(chromium: "Browser", app: Flask, browser: FlaskClient, paths: Iterable[str]) -> Iterator[str]:
    """Open pages as whoever is signed in at `browser`, on a phone; yield what is wrong."""
    with served(app) as address, Visit(chromium, address, width=PHONE) as here:
        here.take_over(browser)
        for path in paths:
            here.goto(path)
            yield from (f"{path}: {fault}" for fault in here.faults())
            here.complaints.clear()


def page_faults(where: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a page, whoever's part of it is at fault."""
    page = _Page()
    page.feed(text)
    page.close()
    if not page.language:
        yield f"{where} does not say its language"
    if not page.title.strip():
        yield f"{where} has no title"
    if page.headings != 1:
        yield f"{where} has {page.headings} main headings, not one"
    for name, count in Counter(page.ids).items():
        if count > 1:
            yield f"{where} has {count} elements called {name!r}"
    yield from (f"{where}: {name} has no label" for name, key in page.fields if key not in page.labelled)
    yield from (f"{where}: {name} has no text for who does not see it" for name in page.mute)
    for pattern, what in INLINE:
        if pattern.search(text):
            yield f"{where} {what}"


class _Page(HTMLParser):
    """What a page has, as far as it is judged."""

    def __init__(self) -> None:
        super().__init__()
        self.language = self.title = ""
        self.headings = 0
        self.ids: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.labelled: set[str] = set()
        self.mute: list[str] = []
        self._open: list[tuple[str, str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.language = given.get("lang", "") if tag == "html" else self.language
        self.headings += tag == "h1"
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "label" and "for" in given:
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") not in UNLABELLED:
            inside = any(name == "label" for name, _, _ in self._open)
            if not inside and not any(given.get(name) for name in NAMES):
                self.fields.append((f"<{tag} name={given.get('name', '')!r}>", given.get("id", "no id")))
        if tag == "img" and "alt" not in given:
            self.mute.append(f"the image {given.get('src', '')}")
        if any(given.get(name) for name in NAMES) or given.get("alt"):
            self._speak()
        if tag not in VOID:
            self._open.append((tag, given.get("href") or given.get("id") or "", any(given.get(n) for n in NAMES)))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title" and not any(tag == "svg" for tag, _, _ in self._open):
            self.title += data
        if data.strip():
            self._speak()

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, what, speaks = self._open.pop()
            if name in {"a", "button"} and not speaks:
                self.mute.append(f"<{name}> {what}".strip())
            if name == tag:
                break

    def _speak(self) -> None:
        """Whatever is open has something to say by now."""
        self._open = [(tag, what, True) for tag, what, _ in self._open]

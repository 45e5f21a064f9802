"""Pages as people meet them: the system's Chromium over a real socket, and what every page owes to everyone.

`pytest-playwright` and `axe-playwright-python` are wanted where a test asks for a browser, and nowhere else: without
them, or without a Chromium, that test is skipped.
"""

import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from onhand.testing.people import PASSWORD, Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["WIDTHS", "Visit", "served", "start"]

WIDTHS = (390, 1280)
"""A phone and a desk, in pixels."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHT = 900
WAIT_SECONDS_MAX = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NODES_SHOWN = 3
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
RULES = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
COLOURS = RULES | {"runOnly": ["color-contrast", "link-in-text-block"], "rules": {}}
"""What a scheme may break is its colours: of the other scheme nothing else is asked."""


def start(request: pytest.FixtureRequest) -> "Browser":
    """Start the system's Chromium, or skip the test that asks."""
    for needed in ("pytest_playwright", "axe_playwright_python"):
        pytest.importorskip(needed)
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no chromium on PATH")
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT_SECONDS_MAX * 1_000)
    playwright = request.getfixturevalue("playwright")  # one per test run: a second would not start beside it
    browser: Browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    return browser


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application from threads of this process; the address is the value."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Visit:
    """Somebody at a browser of their own while the `with` lasts. Nothing may be complained of at its console.

    Breaches of the content security policy and errors of scripts are complaints. `tolerated` is what may be said there:
    a form that was refused, say, is told with its status.
    """

    def __init__(
        self,
        chromium: "Browser",
        address: str,
        *,
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
        tolerated: str | None = None,
        shots: Path | None = None,
        **context: Any,
    ) -> None:
        self.address = address
        self.complaints: list[str] = []
        self._tolerated, self._shots, self._scheme = tolerated, shots, scheme
        self._context = chromium.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce", **context
        )  # nothing fades from one look to the next
        self._context.set_default_timeout(WAIT_SECONDS_MAX * 1_000)
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda said: self._hear(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self._hear(str(error)))

    def sign_in(self, person: Person, path: str = "/") -> None:
        """Send the login form, without having its page drawn, and arrive at a page."""
        door, request = f"{self.address}/login", self._context.request
        token = re.search(r'name="csrf_token" value="([^"]+)"', request.get(door).text())
        assert token, f"{door} has no form"
        form = {"username": person.username, "password": PASSWORD, "csrf_token": token[1]}
        answer = request.post(door, form=form, max_redirects=0)
        assert answer.status == 303, answer.text()
        self.page.goto(self.address + path)

    def take_over(self, client: FlaskClient) -> None:
        """Go on as whoever is signed in at a client of this application."""
        cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
        assert cookie is not None, "nobody is signed in there"
        self._context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.address}])

    def goto(self, path: str) -> None:
        """Go to a page that is there."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def open(self, path: str) -> "Page":
        """Go to a page and judge it."""
        self.goto(path)
        self.judge()
        return self.page

    def judge(self, what: str | None = None, *, widths: Sequence[int] = ()) -> None:
        """Hold the page at hand to the rules: nothing that axe finds, no scrolling sideways, not a word at the console.

        It is looked at in light and in dark, as wide as it is or at the first of `widths`; at the others as it is. With `--screenshots FOLDER`
        its pictures are kept there.
        """
        self.page.wait_for_load_state()  # a form may have led here: what is typed before its scripts are there is lost
        said = what or self.page.url.removeprefix(self.address)
        faults = [*self.faults(said, widths=widths)]
        assert faults == [], f"{said}: " + "\n".join(faults)

    def faults(self, called: str = "", *, widths: Sequence[int] = ()) -> Iterator[str]:
        """Yield what is wrong with the page at hand, and what the console has been told since the visit began.

        It is looked at as `judge` does, which says more; `called` names its pictures.
        """
        at = self.page.viewport_size or {"width": 0, "height": HEIGHT}
        schemes = sorted(SCHEMES, key=lambda scheme: scheme != self._scheme)
        for place, width in enumerate(widths or (at["width"],)):
            self.page.set_viewport_size({**at, "width": width})
            for scheme in schemes if place == 0 else schemes[:1]:
                self.page.emulate_media(color_scheme=scheme)
                self._keep_picture(f"{called} {width} {scheme}")
                for found in self._violations(RULES if scheme == self._scheme else COLOURS):
                    where = ", ".join(str(node["html"]) for node in found["nodes"][:NODES_SHOWN])
                    said = f"{found['help']} ({found['id']}, in {len(found['nodes'])} places)"
                    yield f"{said} at {width}, {scheme}: {where}"
            if not self.page.evaluate(FITS):
                yield f"it scrolls sideways at {width}"
        self.page.set_viewport_size(at)
        self.page.emulate_media(color_scheme=self._scheme)
        yield from self.complaints

    def _violations(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        from axe_playwright_python.base import AXE_SCRIPT

        if self.page.evaluate("typeof axe === 'undefined'"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[dict[str, Any]] = self.page.evaluate(
            "async (options) => (await axe.run(document, options)).violations", options
        )
        return found

    def _keep_picture(self, name: str) -> None:
        if self._shots is not None:
            # The caret as it is: to hide it leaves its mark on every field, which htmx copies, against the policy.
            file = re.sub(r"\W+", "-", name).strip("-") + ".png"
            self.page.screenshot(path=self._shots / file, full_page=True, caret="initial")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()
        if error is None:
            assert self.complaints == [], self.complaints

    def _hear(self, text: str) -> None:
        if self._tolerated is None or self._tolerated not in text:
            self.complaints.append(text)

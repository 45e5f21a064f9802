"""A page is judged in a real browser: what breaks a rule is found, and what keeps all of them passes."""

from contextlib import ExitStack

import pytest
from flask import Flask
from onhand.testing.browser import WIDTHS, Visit, served

pytestmark = pytest.mark.browser

POLICY = "default-src 'none'; img-src data:"
PAGE = (
    '<!doctype html><html lang="en"><head><title>Till</title><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width"></head><body><main><h1>Till</h1>{}</main></body></html>'
)
FORM = "<label>Code <input></label>"
BROKEN = {
    "dim": (
        "<p>Hard to read at night</p>",
        "document.body.style.cssText = 'color-scheme: light dark; background: Canvas; color: light-dark(#000, #444)'",
        "color-contrast(?s:.)*dark",
    ),
    "small": (
        "<button>+</button><button>-</button>",
        "document.querySelectorAll('button').forEach(it => { it.style.cssText = 'padding: 0; border: 0; width: 9px; height: 9px' })",
        "target-size",
    ),
    "pale": ("<p>Hard to read</p>", "document.querySelector('p').style.color = '#ddd'", "color-contrast"),
    "wide": ("<p>Far too wide</p>", "document.querySelector('p').style.width = '2000px'", "scrolls sideways"),
    "loud": ("<p>Quiet so far</p>", "console.error('out of paper')", "out of paper"),
    "unsafe": ("<script>document.title = 'Mine'</script>", "1", "Content Security Policy"),
}


@pytest.fixture(scope="module")
def address():
    """A small application, one page for each way to be wrong, and one that is right."""
    app = Flask(__name__)

    @app.get("/<name>")
    def page(name: str):
        return PAGE.format(BROKEN[name][0] if name in BROKEN else FORM), {"Content-Security-Policy": POLICY}

    with served(app) as url:
        yield url


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_that_keeps_the_rules_passes(visit, width):
    visit(path="/right", width=width).judge()


@pytest.mark.parametrize("name", BROKEN)
def test_a_page_that_breaks_a_rule_is_found(chromium, address, name):
    _, act, said = BROKEN[name]
    with Visit(chromium, address) as here:
        here.goto(f"/{name}")
        here.page.evaluate(act)
        with pytest.raises(AssertionError, match=said):
            here.judge()
        here.complaints.clear()


def test_what_is_complained_of_after_the_last_look_is_found_at_the_end(chromium, address):
    with ExitStack() as visits:
        here = visits.enter_context(Visit(chromium, address))
        here.open("/right")
        here.page.evaluate("console.error('out of paper')")
        with pytest.raises(AssertionError, match="out of paper"):
            visits.close()


def test_what_is_tolerated_is_no_complaint(visit):
    here = visit(path="/right", tolerated="paper")
    here.page.evaluate("console.error('out of paper')")
    here.judge()


def test_a_picture_is_kept_where_one_is_asked_for(chromium, address, tmp_path):
    with Visit(chromium, address, width=390, scheme="dark", shots=tmp_path) as here:
        here.open("/right")
        here.judge("as it is")
        assert here.page.locator("[style]").count() == 0, "a picture changes nothing"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "as-it-is-390-dark.png",
        "as-it-is-390-light.png",
        "right-390-dark.png",
        "right-390-light.png",
    ]

"""Templates and style sheets that a browser would not let be are told."""

import pytest
from jinja2 import Environment
from onhand.contract import files
from planting import told

PAGES = [
    (files.inline, "<script>alert(1)</script>"),
    (files.inline, '<p style="color: red">'),
    (files.inline, '<a class="x" onclick="go()">'),
    (files.inline, "<style>p {}</style>"),
    (files.inline, '<a href="javascript:go()">'),
    (files.outside, '<script src="https://cdn.example/x.js"></script>'),
    (files.outside, '<link rel="stylesheet" href="//cdn.example/x.css">'),
    (files.outside, "<img alt='' src='http://cdn.example/x.png'>"),
    (files.forms, '<form method="post" action="/x"><button>Go</button></form>'),
]
FINE = """
{# <script>in a comment</script> #}
<script src="{{ asset('x.js') }}"></script> <a href="https://example.org">elsewhere</a>
<form method="get"></form> <form method="post">{{ ui.csrf() }}</form>
"""


@pytest.mark.parametrize(("check", "text"), PAGES)
def test_pages_that_a_browser_would_not_let_be_are_told(package, check, text):
    assert told(package, "templates/sample/fine.html", FINE, check) == []
    [fault] = told(package, "templates/sample/page.html", f"\n{text}", check)
    assert fault.startswith("templates/sample/page.html:2 ")


@pytest.mark.parametrize("text", ["@import 'https://x.example/x.css'", "p { background: url(//x.example/x.png) }"])
def test_style_sheets_that_fetch_from_elsewhere_are_told(package, text):
    assert len(told(package, "static/sample/x.css", text, files.outside)) == 1


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{% extends "onhand/base.html" %}{% include "sample/part.html" %}', 0),
        ('{% extends "stock/base.html" %}', 1),
        ("{% if %}", 1),
    ],
)
def test_templates_that_build_on_strangers_are_told(package, text, faults):
    def check(found):
        return files.templates(found, "sample", Environment(autoescape=True), {"onhand"})

    assert len(told(package, "templates/sample/page.html", text, check)) == faults

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, render_template_string
from jinja2 import UndefinedError
from onhand.web.assets import this_page
from onhand.web.tables import Column

UI = '{% import "onhand/macros.html" as ui %}'


def draw(gallery: Flask, source: str, **values: Any) -> str:
    with gallery.test_request_context():
        return re.sub(r"[ \n]+", " ", render_template_string(UI + source, **values))


EVERY_MACRO = (
    "{{ ui.table(columns, rows, caption=evil) }}",
    "{{ ui.field('q', evil, evil, help=evil, error=evil, placeholder=evil) }}",
    "{{ ui.page_header(evil, crumbs=[(evil, evil)], hint=evil, status_chip=(evil, 'good')) }}",
    "{{ ui.notice(evil) }}{{ ui.definitions([(evil, evil)]) }}{{ ui.icon('x', evil) }}",
    "{{ ui.select('s', evil, [(evil, evil)], any=evil) }}{{ ui.checkbox('c', evil, help=evil) }}",
    "{{ ui.post_button(evil, evil, {'id': evil}) }}{{ ui.quantity(3, evil, evil) }}",
    "{{ ui.search('q', evil, evil, evil) }}{{ ui.textarea('t', evil, evil) }}",
    "{{ ui.empty(evil, evil, evil, evil) }}{{ ui.tabs([(evil, evil, 3)], evil) }}",
    "{% call ui.filters(evil, clear=evil) %}{% endcall %}{% call ui.card(evil, evil) %}{% endcall %}",
)


class Tags(HTMLParser):
    """Collects what a browser would make elements of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


@pytest.mark.parametrize("source", EVERY_MACRO)
def test_what_people_typed_is_never_markup(gallery: Flask, source: str) -> None:
    evil = "\"'><script>alert(1)</script>"
    columns = [Column("name", evil), Column("code", "Code", "code", href=lambda row: evil)]
    html = draw(gallery, source, columns=columns, rows=[{"name": evil, "code": evil}], evil=evil)
    tags = Tags()
    tags.feed(html)
    assert tags.found
    assert "script" not in tags.found


def test_a_column_decides_where_the_call_block_draws_nothing(gallery: Flask) -> None:
    columns = [Column("sku", "SKU"), Column("held", "Held", "quantity", href=lambda row: f"/e/{row['sku']}")]
    source = (
        "{% call(row, col) ui.table(columns, rows, caption='Held') %}"
        "{% if col.key == 'sku' %}<b>{{ row.sku }}</b>{% endif %}{% endcall %}"
    )
    html = draw(gallery, source, columns=columns, rows=[{"sku": "A1", "held": 4000}])
    assert "<b>A1</b>" in html
    assert '<a class="oh-qty" href="/e/A1">4\u202f000</a>' in html
    assert 'data-label="Held"' in html


def test_a_zero_is_drawn_and_a_nothing_is_a_dash(gallery: Flask) -> None:
    columns = [Column("sku", "SKU"), Column("held", "Held", "quantity"), Column("name", "Name")]
    rows = [{"sku": "A", "held": 0, "name": None}]
    html = draw(gallery, "{{ ui.table(columns, rows, caption='x') }}", columns=columns, rows=rows)
    assert ">0</span>" in html
    assert html.count(">–</span>") == 1


def test_a_misspelt_column_is_an_error_not_an_empty_column(gallery: Flask) -> None:
    with pytest.raises(UndefinedError, match="nmae"):
        draw(gallery, "{{ ui.table(columns, [{'name': 1}], caption='x') }}", columns=[Column("nmae", "Name")])


def test_a_table_without_rows_says_what_to_do(gallery: Flask) -> None:
    source = "{{ ui.table([], [], caption='x', nothing='No item matches', nothing_hint='Clear the filter.') }}"
    html = draw(gallery, source)
    assert "No item matches" in html
    assert "<table" not in html


def test_a_field_is_described_by_its_help_and_its_error(gallery: Flask) -> None:
    html = draw(
        gallery, "{{ ui.field('qty', 'Quantity', 7, help='In eaches.', error='Only 3.', required=true, min=0) }}"
    )
    assert 'aria-describedby="f-qty-help f-qty-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="f-qty-error"' in html
    assert 'min="0"' in html


def test_a_button_that_changes_something_posts_with_the_token(gallery: Flask) -> None:
    html = draw(gallery, "{{ ui.post_button('/x', 'Release', {'id': 3}) }}")
    assert '<form class="oh-post" method="post" action="/x">' in html
    assert '<input type="hidden" name="csrf_token" value="token">' in html
    assert '<input type="hidden" name="id" value="3">' in html


@pytest.mark.parametrize(
    ("path", "changes", "address"),
    [
        ("/?q=milk&cursor=a", {"cursor": "b"}, "/?q=milk&cursor=b"),
        ("/?q=milk&cursor=a", {"cursor": None}, "/?q=milk"),
        ("/?cursor=a", {"cursor": None}, "/"),
        ("/?state=a&state=b", {"cursor": "c"}, "/?state=a&state=b&cursor=c"),
        ("/?_scheme=javascript&_external=1", {"cursor": "c"}, "/?_scheme=javascript&_external=1&cursor=c"),
    ],
)
def test_this_page_keeps_the_rest_of_its_query(
    gallery: Flask, path: str, changes: dict[str, str | None], address: str
) -> None:
    with gallery.test_request_context(path):
        assert this_page(**changes) == address

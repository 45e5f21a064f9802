import pytest
from flask import Flask
from onhand.contributions import MenuItem
from onhand.web.menu import Entry, entries, mark_current

CONTRIBUTED = [
    ("stock", [MenuItem("Stock", "shell.home", "stack-2", "stock.read", order=20)]),
    ("channels", [MenuItem("Channels", "shell.home", "route", "channels.read", order=10)]),
]


def labels(gallery: Flask, works: set[str], may: set[str]) -> list[str]:
    with gallery.test_request_context():
        lines = entries(CONTRIBUTED, works=works.__contains__, may=may.__contains__)
    return [line.label for line in lines]


def test_the_menu_is_ordered_between_home_and_apps(gallery: Flask) -> None:
    everything = labels(gallery, {"stock", "channels"}, {"stock.read", "channels.read", "onhand.administer"})
    assert everything == ["Home", "Channels", "Stock", "Apps"]


def test_an_addon_that_is_off_for_the_entity_has_no_line(gallery: Flask) -> None:
    assert labels(gallery, {"stock"}, {"stock.read", "channels.read"}) == ["Home", "Stock"]


def test_a_line_without_the_permission_is_not_shown(gallery: Flask) -> None:
    assert labels(gallery, {"stock", "channels"}, {"channels.read"}) == ["Home", "Channels"]


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", "Home"),
        ("/stock/", "Stock"),
        ("/stock/items/12", "Stock"),
        ("/stock/ledger", "Ledger"),
        ("/stock/ledger/0197", "Ledger"),
        ("/stockings", None),
        ("/elsewhere", None),
    ],
)
def test_the_line_that_leads_furthest_is_current(path: str, current: str | None) -> None:
    menu = [Entry("Home", "home", "/"), Entry("Stock", "x", "/stock/"), Entry("Ledger", "x", "/stock/ledger")]
    marked = [line.label for line in mark_current(menu, path) if line.current]
    assert marked == ([current] if current else [])

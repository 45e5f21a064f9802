"""Every page as a browser shows it, whoever adds it, in light and dark: at a desk, and with nothing to show on a phone.

On a phone with something to show, an add-on's pages are looked at by its own contract; the core's are looked at here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import pytest
from onhand.testing import Entity
from onhand.testing.browser import WIDTHS, Visit
from onhand.testing.samples import Place
from onhand.testing.site import Site
from playwright.sync_api import Error

from walls.matrix import Address, addresses
from walls.stage import furnish

pytestmark = pytest.mark.browser

NOWHERE = "/nowhere"
PHONE, DESK = WIDTHS[:1], WIDTHS[1:]


def pages_of(site: Site, *, of_things: bool) -> list[Address]:
    """Return what a browser can ask for: of one thing, or without a variable in its address."""
    found = [address for address in addresses(site.app) if address.method == "GET" and not address.door.is_api]
    return [address for address in found if bool(address.variables) == of_things]


def faults(here: Visit, paths: Iterable[str], widths: Sequence[int] = WIDTHS) -> Iterator[str]:
    """Yield what is wrong with the pages at these paths; files and what is for programs are none."""
    for path in paths:
        try:
            answer = here.page.goto(here.address + path)
        except Error as error:
            if "Download is starting" not in error.message:
                raise
            continue
        assert answer is not None
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        if not answer.ok and path != NOWHERE:
            yield f"{path} answers {answer.status}"
        yield from (f"{path}: {fault}" for fault in here.faults(path, widths=widths))
        here.complaints.clear()


def none_of(faults: Iterator[str]) -> None:
    found = list(faults)
    if found:
        pytest.fail(f"{len(found)} faults\n" + "\n".join(found), pytrace=False)


@pytest.fixture
def come(visit: Callable[..., Visit], onhand_site: Site, entities: tuple[Entity, Entity]) -> Visit:
    return visit(onhand_site.person("admin"), tolerated="404 (NOT FOUND)")


def test_every_page_with_nothing_to_show(come: Visit, onhand_site: Site) -> None:
    none_of(faults(come, [*(address.rule for address in pages_of(onhand_site, of_things=False)), NOWHERE], PHONE))


@pytest.mark.parametrize("of_things", [False, True])
def test_every_page_with_something_to_show(
    come: Visit, onhand_site: Site, entities: tuple[Entity, Entity], of_things: bool
) -> None:
    [samples] = furnish(onhand_site, [Place(entities[0], "Sample")])
    for widths, is_own in ((WIDTHS, True), (DESK, False)):
        asked = [one for one in pages_of(onhand_site, of_things=of_things) if (one.door.addon is None) == is_own]
        none_of(faults(come, [address.of(samples) for address in asked], widths))

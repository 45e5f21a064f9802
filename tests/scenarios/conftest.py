"""The store in the old town, for every test of this folder."""

import pytest
from onhand.testing import Entity
from onhand.testing.site import Site

from scenarios.doors import Store, open_store


@pytest.fixture
def store(onhand_site: Site, entities: tuple[Entity, Entity]) -> Store:
    return open_store(onhand_site, entities[0])

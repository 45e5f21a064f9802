"""One small window of the real year, planned once for all tests."""

import pytest
from onhand_demo.journey import Journey
from onhand_demo.options import Options
from onhand_demo.stream import Stream, plan
from onhand_demo.world import World, build


@pytest.fixture(scope="session")
def journey() -> Journey:
    return Journey()


@pytest.fixture(scope="session")
def options() -> Options:
    return Options(events=12_000)


@pytest.fixture(scope="session")
def world(journey: Journey, options: Options) -> World:
    return build(journey, options)


@pytest.fixture(scope="session")
def stream(world: World, options: Options) -> Stream:
    return plan(world, options)

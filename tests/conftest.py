"""What holds for the whole run."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take minutes, so that at the end no worker waits for another."""
    items.sort(key=lambda item: item.get_closest_marker("wheels") is None)

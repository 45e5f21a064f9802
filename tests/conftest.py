"""What holds for the whole run."""

import pytest

LONG = {"test_demo", "test_looks", "test_processes", "test_scenarios", "test_survival"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take long, so that at the end no worker waits for another."""
    items.sort(key=lambda item: item.get_closest_marker("wheels") is None and item.path.stem not in LONG)

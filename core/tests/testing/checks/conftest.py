import pytest


@pytest.fixture
def package(tmp_path):
    """An empty package to plant in."""
    (tmp_path / "onhand_sample").mkdir()
    return tmp_path / "onhand_sample"

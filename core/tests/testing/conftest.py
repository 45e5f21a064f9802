import sys
from pathlib import Path

import pytest
from onhand.addons import Addon

SITE = str(Path(__file__).parent / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

SAMPLE = Addon("sample", "onhand-sample", "1", "onhand_sample")


@pytest.fixture(scope="session")
def sample():
    """A small add-on that keeps the contract."""
    return SAMPLE


@pytest.fixture(scope="session")
def addons(sample):
    """The core and the sample."""
    return [sample]

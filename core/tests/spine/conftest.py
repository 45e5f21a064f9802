"""Two small add-ons, `lamp` and `shade` that requires it: enough to try everything an add-on is promised."""

import sys
from pathlib import Path

import pytest

for folder in (Path(__file__).parent, Path(__file__).parent / "site"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture(scope="session")
def addons():
    from switching import LAMP, SHADE

    return [LAMP, SHADE]

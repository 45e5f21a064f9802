"""The gallery over a real socket, for a browser to look at it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from onhand.testing.browser import served

from .gallery import create_gallery

SITE = str(Path(__file__).parent / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

from shell_site import shell_app, shell_services, site  # noqa: E402, F401


@pytest.fixture(scope="session")
def gallery() -> Flask:
    return create_gallery()


@pytest.fixture(scope="session")
def address(gallery: Flask) -> Iterator[str]:
    with served(gallery) as url:
        yield url

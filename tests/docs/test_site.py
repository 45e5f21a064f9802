"""The docs site is built, every page of it, and reading it fetches nothing from elsewhere."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from website import DOCS, BrokenSite, build

FETCHED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")
IN_STYLE = re.compile(r"""(?:@import|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    into = tmp_path_factory.mktemp("site") / "built"
    build(into=into)
    return into


def test_every_page_is_there(site: Path) -> None:
    missing = [
        page
        for page in (path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
        if not (site / page).with_suffix(".html").exists() and not (site / page.parent / "index.html").exists()
    ]
    assert missing == []
    assert (site / "reference/architecture.svg").exists()


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {path: FETCHED.findall(path.read_text()) for path in site.rglob("*.html")}
    styles = {path: IN_STYLE.findall(path.read_text()) for path in site.rglob("*.css")}
    assert len(pages) > 30
    assert {path.name: found for path, found in {**pages, **styles}.items() if found} == {}


def test_a_link_that_leads_nowhere_stops_it(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Here\n\n[there](there.md), [above](#above)\n")
    with pytest.raises(BrokenSite, match="page does not exist"):
        build(docs, tmp_path / "site")

"""Build the docs site, strictly: a link that leads nowhere stops it. `make docs` puts it into `site/`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECTIONS = {
    "Tutorial": ("tutorial.md",),
    "How to": ("how-to/*.md",),
    "Reference": ("reference/README.md", "reference/*.md", "glossary.md"),
    "Explanation": ("why.md", "*.md", "decisions/README.md", "decisions/*.md"),
}
"""Where which pages go; a page that several patterns name stands where the first does."""


class BrokenSite(Exception):
    """The site could not be built; says which page is at fault."""


def navigation(docs: Path = DOCS) -> list[Any]:
    """Return the pages, by the four kinds that readers look for."""
    seen = {"index.md"}
    sections: list[Any] = ["index.md"]
    for title, patterns in SECTIONS.items():
        pages: list[str] = []
        for pattern in patterns:
            found = [str(path.relative_to(docs)) for path in sorted(docs.glob(pattern))]
            pages += [page for page in found if page not in seen]
            seen |= set(pages)
        sections.append({title: pages[0] if len(pages) == 1 else pages})
    return sections


def build(docs: Path = DOCS, into: Path = ROOT / "site") -> None:
    """Build the site; BrokenSite with what zensical says where it will not be built. What was there stays then."""
    with tempfile.TemporaryDirectory(prefix="onhand-docs-") as passing:
        project = Path(passing)  # zensical reads and writes below its settings only
        shutil.copytree(docs, project / "docs")
        settings = (ROOT / "mkdocs.yml").read_text()
        (project / "mkdocs.yml").write_text(f"{settings}\nnav: {json.dumps(navigation(docs))}\n")  # JSON is YAML, too
        command = [Path(sys.executable).with_name("zensical"), "build", "--strict"]
        done = subprocess.run(
            command, cwd=project, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BrokenSite(done.stdout.partition("Traceback")[0] + done.stderr.partition("Traceback")[0])
        shutil.rmtree(into, ignore_errors=True)
        shutil.move(project / "site", into)


if __name__ == "__main__":
    try:
        build()
    except BrokenSite as broken:
        sys.exit(str(broken))

"""Hostile add-ons: what each does, and what is said of it. Written into a folder as packages that can be imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from onhand.addons import Addon

__all__ = ["Hostile", "revision", "write"]

HEAD = "from onhand.hooks import hookimpl\n\n"


@dataclass(frozen=True)
class Hostile:
    """An add-on that does harm. `said`: what a person is told, a pattern; `files`: beside `plugin`, by path."""

    noun: str
    said: str
    plugin: str = ""
    requires: tuple[str, ...] = ("stock",)
    files: Mapping[str, str] = field(default_factory=dict)
    distribution: str = ""

    @property
    def addon(self) -> Addon:
        """Return it as it would be found installed."""
        distribution = self.distribution or f"onhand-{self.noun}"
        return Addon(self.noun, distribution, "1", package_of(self), requires=self.requires)

    def __str__(self) -> str:
        return self.noun


def package_of(hostile: Hostile) -> str:
    """Return the name of its package, which no other has."""
    return f"onhand_{(hostile.distribution or hostile.noun).replace('-', '_').lower()}"


def write(folder: Path, hostile: Hostile) -> Addon:
    """Write its package into a folder of `sys.path`."""
    package = folder / package_of(hostile)
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(HEAD + dedent(hostile.plugin))
    for name, source in hostile.files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return hostile.addon


def revision(noun: str, sql: str) -> dict[str, str]:
    """Return the files of an add-on with one revision, which runs this SQL."""
    return {
        "migrations/versions/0001_first.py": f"""
            from alembic import op

            revision = "{noun}_0001"
            down_revision = None


            def upgrade():
                op.execute({sql!r})


            def downgrade():
                pass
        """
    }

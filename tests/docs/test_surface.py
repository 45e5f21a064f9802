"""What partners build on does not change unsaid."""

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pluggy
import pytest
from onhand.cli import addon_template
from onhand.hooks import PROJECT, hookimpl, observe
from sqlalchemy.orm import Session
from typing_extensions import deprecated

SCRIPT = Path(__file__).with_name("surface.py")
_spec = spec_from_file_location("public_surface", SCRIPT)
assert _spec
assert _spec.loader
surface = module_from_spec(_spec)
_spec.loader.exec_module(surface)
mark_of, outlived, read, unsaid = surface.mark_of, surface.outlived, surface.read, surface.unsaid


def test_the_changelog_tells_every_change_of_the_public_surface() -> None:
    """In a process of its own: what other tests define must not count."""
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_a_new_plugin_imports_is_in_the_docs() -> None:
    """Whoever reads its files can look up every name in them."""
    template = Path(addon_template.__file__).parents[1] / "scaffold" / "template"
    sources = [path.read_text() for path in template.rglob("*.py.jinja")]
    imports = {
        name for source in sources for name in re.findall(r"^from (onhand(?:\.\w+)*) import", source, re.MULTILINE)
    }
    told = {*surface.CORE, *surface.ALSO, "onhand", "onhand.access"}  # the latter is its api
    assert len(imports) > 10
    assert sorted(imports - told) == []


def test_a_change_that_is_not_told_is_noticed() -> None:
    released = read("hook menu = contribute () -> list[MenuItem]\nonhand_x.api.sing = (song)\nonhand_x.api.hum = ()\n")
    now = {"hook menu": "contribute (now) -> list[MenuItem]", "onhand_x.api.sing": "(song)", "onhand_x.api.cry": "()"}
    silent = "# Changes\n\n## Unreleased\n\n## 0.1.0\n\n- `menu`, `hum`, `cry`\n"
    assert [line.split(":")[0] for line in unsaid(released, now, silent)] == [
        "hook menu has changed", "onhand_x.api.cry is new", "onhand_x.api.hum is gone",
    ]  # fmt: skip
    told = silent.replace(
        "## Unreleased\n", "## Unreleased\n\n- `menu` takes the time; `onhand_x.api.cry`; no `hum` any more\n"
    )
    assert unsaid(released, now, told) == []
    assert unsaid(released, released, "") == []


@pytest.mark.parametrize(
    ("said", "version", "advice"),
    [
        ("since 0.2: use sing", "0.1.0", ""),
        ("since 0.2: use sing", "0.2.7", ""),
        ("since 1.0: use sing", "0.9.0", ""),
        ("since 0.2: use sing", "0.3.0", "take it away"),
        ("since 0.9: use sing", "1.0.0", "take it away"),
        ("since 0.4: use sing", "0.1.0", "say `since 0.2: use …`"),
        ("use sing", "0.1.0", "say `since 0.2: use …`"),
    ],
)
def test_what_is_deprecated_lasts_one_minor_version(said: str, version: str, advice: str) -> None:
    told = outlived({"onhand_x.api.hum": said}, version)
    assert [advice in line for line in told] == ([True] if advice else [])


def test_what_is_deprecated_warns_who_uses_it() -> None:
    @deprecated("since 0.2: use sing")
    def hum() -> str:
        return "hm"

    @observe
    @deprecated("since 0.2: use sung")
    def hummed(session: Session, event: object) -> None:
        """observe, after the commit. Raising is retried."""

    class Choir:
        @hookimpl
        def hummed(self, event: object) -> None:
            """Listen."""

    with pytest.warns(DeprecationWarning, match=r"since 0\.2: use sing"):
        assert hum() == "hm"
    assert [mark_of(hum), mark_of(hummed), mark_of(observe)] == ["since 0.2: use sing", "since 0.2: use sung", ""]
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(SimpleNamespace(hummed=hummed))
    with pytest.warns(DeprecationWarning, match=r"the hook hummed is deprecated since 0\.2: use sung"):
        manager.register(Choir())
    assert manager.hook.hummed(session=None, event=1) == []

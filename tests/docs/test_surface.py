"""What partners build on does not change unsaid."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SCRIPT = Path(__file__).with_name("surface.py")
_spec = spec_from_file_location("public_surface", SCRIPT)
assert _spec
assert _spec.loader
surface = module_from_spec(_spec)
_spec.loader.exec_module(surface)
read, unsaid = surface.read, surface.unsaid


def test_the_changelog_tells_every_change_of_the_public_surface() -> None:
    """In a process of its own: what other tests define must not count."""
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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

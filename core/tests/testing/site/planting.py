"""What the tests of the contract's checks plant with."""

from pathlib import Path
from types import SimpleNamespace

import onhand_sample
from onhand.addons import Addon

PACKAGE = Path(onhand_sample.__file__).parent
SAMPLE = Addon("sample", "onhand-sample", "1", "onhand_sample")


def told(package: Path, file: str, text: str, check) -> list[str]:
    """Write a file into a package, and return what a check has to say."""
    (package / file).parent.mkdir(parents=True, exist_ok=True)
    (package / file).write_text(text)
    return [*check(package)]


def contributing(**things):
    return SimpleNamespace(
        noun="sample", addon=SAMPLE, package=PACKAGE, blueprints=[], actors=[], contributed=lambda h: things.get(h, [])
    )

"""Booting alone: with its requirements importable and no other add-on, as on a machine where nothing else is."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from onhand.addons import Addon
from onhand.config import Settings
from onhand.contract.sources import extras_of

__all__ = ["boot_faults"]

SECONDS_MAX = 300
SCRIPT = """
import importlib, json, pkgutil, sys
told = json.load(sys.stdin)
allowed = {"onhand", *(addon["package"] for addon in told["addons"])}

class NotRequired:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top.startswith("onhand_") and top not in allowed:
            raise ModuleNotFoundError(f"{name} is imported, but not among the requirements", name=name)

sys.meta_path.insert(0, NotRequired())
from onhand.addons import Addon
from onhand.app import create_app
from onhand.config import Settings
addons = [Addon(**{**addon, "requires": tuple(addon["requires"]), "extras": ()}) for addon in told["addons"]]
create_app(Settings(**told["settings"]), addons=addons)
package = importlib.import_module(told["package"])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    parts = module.name.split(".")
    if parts[1] != "migrations" and parts[1] not in told["extras"]:
        importlib.import_module(module.name)
"""


def boot_faults(settings: Settings, addons: Sequence[Addon], addon: Addon) -> list[str]:
    """Create the application and import every module of the add-on in a process of its own; return what went wrong.

    Files named after an extra are imported only where that is installed, so not here.
    """
    told: dict[str, Any] = {
        "settings": asdict(settings),
        "addons": [asdict(each) for each in addons],
        "package": addon.package,
        "extras": sorted(extras_of(addon)),
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(told),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return [] if done.returncode == 0 else [done.stderr]

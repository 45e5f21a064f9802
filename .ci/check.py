"""Run every check, all of them even when one fails, and say at the end which did."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent


TESTED = "--tested"


def main(arguments: list[str]) -> int:
    """Run the checks, two at a time; the answer is 1 when any of them failed.

    `--tested` says that all tests have run: those that are a check, too, are not run again.
    """
    distributions = [argument for argument in arguments if argument != TESTED]
    checks: list[tuple[str, list[str], str]] = [
        ("form", ["ruff", "format", "--check", "--quiet", "."], "."),
        ("lint", ["ruff", "check", "--quiet", "."], "."),
        ("types", ["mypy"], "."),
        ("boundaries", ["lint-imports", "--no-logo"], "."),
        ("templates", ["djlint", "--quiet", "core", "addons", "plugins", "templates", "--allow-empty-input"], "."),
        ("docs", ["pytest", "-q", "-p", "no:xdist", "tests/docs", "tests/tree"], "."),
        *((f"dependencies of {folder}", ["deptry", "--no-ansi", "."], folder) for folder in distributions),
    ]
    checks = [check for check in checks if check[0] != "docs" or TESTED not in arguments]
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        failed = [name for (name, _, _), passed in zip(checks, pool.map(run, checks), strict=True) if not passed]
    if failed:
        print(f"failed: {', '.join(failed)}")
    else:
        print(f"{len(checks)} checks passed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def run(check: tuple[str, list[str], str]) -> bool:
    """Run one check in its folder and print what it says, if it fails."""
    name, (program, *arguments), folder = check
    done = subprocess.run([BIN / program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"── {name} ──\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The architecture, drawn from what the packaging metadata, the import contracts and the hooks say."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import surface
from onhand.addons import Addons
from onhand.hooks import kind_of

__all__ = ["drawing", "page"]

ROOT = Path(__file__).parents[2]
CORE = "onhand"
BOX, GAP, ROW, EDGE = 150, 30, 104, 24
HEIGHT = 46
STYLE = """
  text { font: 14px system-ui, sans-serif; text-anchor: middle; fill: #1b1b1f }
  .small { font-size: 11px; fill: #45454d }
  rect { fill: #eef1fb; stroke: #3b4cca; rx: 6 }
  .plugin { fill: #f3f3f5; stroke: #6b6b76; stroke-dasharray: 5 3 }
  path { fill: none; stroke: #6b6b76 }
  svg { background: #fff }
"""


def page(addons: Addons) -> list[str]:
    """Return the lines of the page, below its heading."""
    lines = ["![Which add-on requires which](architecture.svg)", ""]
    lines += _table("add-on", "is", "requires", "knows of, where installed", "tables")
    for noun in addons.names:
        addon = addons.addon(noun)
        kind = "plugin" if _is_plugin(addon.distribution) else "add-on"
        tables = f"schema `{noun}`" if (_folder(addon.distribution) / addon.package / "migrations").exists() else ""
        lines.append(_row(f"`{addon.distribution}`", kind, _nouns(addon.requires), _nouns(addon.extras), tables))
    lines += [
        "",
        "## Boundaries",
        "",
        "Each is a contract of import-linter, and `make check` breaks where one is broken.",
        "",
    ]
    lines += _contracts()
    lines += ["", "## Hooks between add-ons", "", "Who takes part where; [what each promises](hooks.md).", ""]
    lines += _table("hook", "kind", "offered by", "implemented by")
    for name, spec in sorted(surface.specs(addons).items()):
        owner = spec.__module__.partition(".")[0].removeprefix("onhand_")
        others = [noun for noun in addons.implementers(name) if noun != owner]
        if others:
            lines.append(_row(f"`{name}`", kind_of(spec), f"`{owner}`", _nouns(others)))
    return lines


def drawing(addons: Addons) -> str:
    """Return the graph of requirements as SVG: what is required stands above, what follows from others is left out."""
    needs = {CORE: (), **{noun: addons.addon(noun).requires or (CORE,) for noun in addons.names}}
    direct = {noun: _direct(noun, needs) for noun in needs}
    ranks = _ranks(direct)
    rows, links = _rows(direct, ranks)
    width = max(len(row) for row in rows) * (BOX + GAP) + GAP
    place: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (BOX + GAP) + GAP) / 2
        for column, node in enumerate(row):
            place[node] = (left + column * (BOX + GAP) + BOX / 2, EDGE + number * ROW)
    drawn = [_edge(place[one], place[other], ends="/" not in other) for one, other in links]
    drawn += [_box(node, place[node], addons) for row in rows for node in row if "/" not in node]
    height = EDGE * 2 + (len(rows) - 1) * ROW + HEIGHT
    title = "Which add-on requires which"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}</style>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _direct(noun: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the requirements that no other requirement brings along."""
    brought = {each for other in needs[noun] for each in _all(other, needs)}
    return sorted(set(needs[noun]) - brought)


def _all(noun: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    return {each for other in needs[noun] for each in (other, *_all(other, needs))}


def _ranks(direct: Mapping[str, Sequence[str]]) -> dict[str, int]:
    ranks: dict[str, int] = {}

    def rank(noun: str) -> int:
        if noun not in ranks:
            ranks[noun] = max((rank(other) + 1 for other in direct[noun]), default=0)
        return ranks[noun]

    for noun in direct:
        rank(noun)
    return ranks


def _rows(
    direct: Mapping[str, Sequence[str]], ranks: Mapping[str, int]
) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Return who stands in which row, and the lines from row to row; a line over several rows has a place in each."""
    rows: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    above: dict[str, list[str]] = {}
    for noun, rank in ranks.items():
        rows[rank].append(noun)
        for other in direct[noun]:
            last = other
            for passed in range(ranks[other] + 1, rank):
                node = f"{noun}/{other}/{passed}"
                rows[passed].append(node)
                above[node] = [last]
                last = node
            above.setdefault(noun, []).append(last)
    for number, row in enumerate(rows[1:], 1):
        order = {node: column for column, node in enumerate(rows[number - 1])}
        row.sort(key=lambda node: (sum(order[one] for one in above[node]) / len(above[node]), node))
    return rows, [(one, node) for node, ones in sorted(above.items()) for one in ones]


def _edge(start: tuple[float, float], end: tuple[float, float], *, ends: bool) -> str:
    """Return a line from below one place to above the next; to where it ends, or through the row to its lower edge."""
    (x1, y1), (x2, y2) = (start[0], start[1] + HEIGHT), end
    middle = (y1 + y2) / 2
    through = "" if ends else f" V{y2 + HEIGHT:g}"
    return f'<path d="M{x1:g} {y1:g} C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}{through}"/>'


def _box(noun: str, place: tuple[float, float], addons: Addons) -> str:
    x, y = place
    name = CORE if noun == CORE else addons.addon(noun).distribution
    look = ' class="plugin"' if noun != CORE and _is_plugin(name) else ""
    said = "core" if noun == CORE else "plugin" if look else "add-on"
    return (
        f'<rect x="{x - BOX / 2:g}" y="{y:g}" width="{BOX}" height="{HEIGHT}"{look}/>'
        f'<text x="{x:g}" y="{y + 21:g}">{name.removeprefix("onhand-")}</text>'
        f'<text class="small" x="{x:g}" y="{y + 37:g}">{said}</text>'
    )


def _folder(distribution: str) -> Path:
    [found] = [
        path.parent
        for path in ROOT.glob("*/*/pyproject.toml")
        if tomllib.loads(path.read_text())["project"]["name"] == distribution
    ]
    return found


def _is_plugin(distribution: str) -> bool:
    return _folder(distribution).parent.name == "plugins"


def _contracts() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [f"- **{contract['name']}**{_more(contract)}" for contract in contracts]


def _more(contract: Mapping[str, Any]) -> str:
    match contract["type"]:
        case "layers":
            layers = " → ".join(f"`{layer.replace('(', '').replace(')', '')}`" for layer in contract["layers"])
            return f": each may import what follows, {layers}"
        case "doors":
            return f": {', '.join(f'`{door}`' for door in contract['doors'])}; in tests {', '.join(f'`{door}`' for door in contract['back_doors'])}, too"
        case "forbidden":
            modules = ", ".join(f"`{name}`" for name in contract["source_modules"])
            return f": {modules} imports none of them"
    return ""


def _nouns(nouns: Sequence[str]) -> str:
    return ", ".join(f"`{noun}`" for noun in nouns)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(*heads: str) -> list[str]:
    return [_row(*heads), "|" + "---|" * len(heads)]

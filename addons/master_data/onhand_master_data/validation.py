"""Rules that items are held to. A rule is a pure function of an item and a parameter; where it holds, rows say."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from unicodedata import normalize

from onhand_master_data.values import Item

__all__ = [
    "DUPLICATE", "DUPLICATE_LABEL", "DUPLICATE_POINTS", "NEAR_SAME", "RULES", "Broken", "ValidationRule", "duplicates",
    "likeness",
]  # fmt: skip

DUPLICATE = "duplicate"
DUPLICATE_LABEL = "No near duplicates"
DUPLICATE_POINTS = 50
NEAR_SAME = "nearly the same as "
"""How the finding of a duplicate begins; the SKU of the older item follows."""
STARS_MAX = 4


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule that items may be held to, named for `rule_setting`.

    `check(item, parameter)` returns what is wrong, None if nothing; `fault(parameter)` what is wrong with a parameter.
    `points` of 100 is what breaking it costs an item. `parameter`: what the parameter is, None where it takes none.
    """

    name: str
    label: str
    field: str
    check: Callable[[Item, str], str | None]
    parameter: str | None = None
    fault: Callable[[str], str | None] = lambda _: None
    points: int = 25


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that an item breaks."""

    item_id: int
    rule: str
    field: str
    message: str
    points: int
    blocks: bool = False


def _category(item: Item, _: str) -> str | None:
    return None if item.category else "it has no category"


def _gtin(item: Item, _: str) -> str | None:
    return None if item.barcodes else "it has no GTIN"


def _pack(item: Item, parameter: str) -> str | None:
    wanted = set(_listed(parameter))
    if any(not wanted or pack.unit in wanted for pack in item.packs):
        return None
    return f"it has no pack {' or '.join(sorted(wanted))}" if wanted else "it has no pack"


def _pack_gtin(item: Item, _: str) -> str | None:
    coded = {barcode.unit for barcode in item.barcodes}
    missing = [pack.unit for pack in item.packs if pack.unit not in coded]
    return f"no GTIN on {', '.join(missing)}" if missing else None


def _name(item: Item, parameter: str) -> str | None:
    if any(fnmatchcase(item.name, pattern) for pattern in _listed(parameter)):
        return None
    return f"its name is not like {' or '.join(_listed(parameter))}"


def _unit(item: Item, parameter: str) -> str | None:
    allowed = _listed(parameter)
    return None if item.base_unit in allowed else f"its base unit {item.base_unit} is none of {', '.join(allowed)}"


def _needs_some(parameter: str) -> str | None:
    return None if _listed(parameter) else "give at least one, several with |"


def _pattern_fault(parameter: str) -> str | None:
    patterns = _listed(parameter)
    if not patterns:
        return "give a pattern, several with |: * stands for anything, ? for one character"
    if any(pattern.count("*") > STARS_MAX for pattern in patterns):
        return f"a pattern has at most {STARS_MAX} *"
    return None


RULES: tuple[ValidationRule, ...] = (
    ValidationRule("category_required", "A category", "category", _category),
    ValidationRule("gtin_required", "A GTIN", "gtin", _gtin),
    ValidationRule("pack_required", "A pack", "packs", _pack, "units of which one must be there, A|B; empty: any"),
    ValidationRule("pack_gtin_required", "A GTIN on every pack", "gtin", _pack_gtin, points=15),
    ValidationRule("name_pattern", "A name like", "name", _name, "patterns, A*|B*", _pattern_fault, 10),
    ValidationRule("unit_allowed", "A base unit of", "base_unit", _unit, "units, EA|GRM", _needs_some),
)


def _listed(parameter: str) -> list[str]:
    return [part.strip() for part in parameter.split("|") if part.strip()]


def likeness(item: Item) -> tuple[object, ...]:
    """Return what near-same items have in common: the words of the name in any order, base unit and packs.

    Case, accents, punctuation and the order of words do not tell items apart; digits do.
    """
    plain = normalize("NFKD", item.name).casefold()
    words = "".join(char if char.isalnum() else " " for char in plain if not _is_mark(char)).split()
    return (tuple(sorted(words)), item.base_unit, item.packs)


def _is_mark(char: str) -> bool:
    return "\u0300" <= char <= "\u036f"


def duplicates(items: Iterable[Item], apart: Collection[tuple[int, int]] = ()) -> Iterator[Broken]:
    """Return every item that is near-same to an older one, which is left out: of two one is too many.

    `apart` are pairs of ids, the older first, of which somebody said that they are not the same.
    """
    alike: defaultdict[tuple[object, ...], list[Item]] = defaultdict(list)
    for item in items:
        alike[likeness(item)].append(item)
    for group in alike.values():
        group.sort(key=lambda one: one.id)
        for position, item in enumerate(group):
            older = next(
                (
                    one
                    for one in (group[place] for place in range(position - 1, -1, -1))
                    if (one.id, item.id) not in apart
                ),
                None,
            )
            if older is not None:
                yield Broken(item.id, DUPLICATE, "name", f"{NEAR_SAME}{older.sku}", DUPLICATE_POINTS)

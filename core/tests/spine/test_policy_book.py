"""Which version of a policy holds: the most specific place, item before category before location and so on."""

from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from onhand.policies.book import PARTS, PolicyBook, Where

START = datetime(2026, 1, 1, tzinfo=UTC)
part = st.none() | st.integers(1, 2)
one_part = st.integers(0, len(PARTS)).map(
    lambda one: tuple(1 if number == one else None for number in range(len(PARTS)))
)
places = st.tuples(*[part] * len(PARTS)) | one_part  # anywhere, and often where one part is named or none: shapes meet
times = st.integers(0, 4).map(lambda hours: START + timedelta(hours=hours))
versions = st.lists(st.tuples(st.sampled_from("pq"), places, st.none() | st.integers(0, 9), times), max_size=25)
dense = st.tuples(*[st.sampled_from([None, 1])] * len(PARTS))
conditions = st.sampled_from([None, "hour < 2", "hour == 1", "room == 'a'", "missing > 1"])
conditional = st.lists(st.tuples(st.just("p"), places, st.none() | st.integers(0, 9), times, conditions), max_size=25)
facts = st.fixed_dictionaries({"hour": st.integers(0, 2), "room": st.sampled_from("ab")})
JUDGED = {
    None: lambda hour, room: True,
    "hour < 2": lambda hour, room: hour < 2,
    "hour == 1": lambda hour, room: hour == 1,
    "room == 'a'": lambda hour, room: room == "a",
    "missing > 1": lambda hour, room: False,
}
asked = st.tuples(*[st.none() | st.integers(1, 2)] * len(PARTS)) | one_part


def book_of(rows):
    """Arrange versions as the database returns them: by the time of their effect, of equal times by number."""
    ordered = sorted(enumerate(rows, 1), key=lambda numbered: (numbered[1][3], numbered[0]))
    return PolicyBook((number, *row) for number, row in ordered)


def oracle(rows, policy, where, at, given=None):
    """Look at every version: what is in force at each place that covers this one, then the first in precedence."""
    in_force = {}
    for number, (name, place, value, effective_from, *condition) in enumerate(rows, 1):
        covers = all(mine is None or mine == asked for mine, asked in zip(place, where, strict=True))
        if name == policy and covers and effective_from <= at:
            found = in_force.get(place)
            if found is None or (effective_from, number) > (found[0], found[1]):
                in_force[place] = (effective_from, number, value, *condition)
    candidates = {
        place: found
        for place, found in in_force.items()
        if found[2] is not None and JUDGED[found[3] if given else None](**(given or dict.fromkeys(("hour", "room"))))
    }
    if not candidates:
        return None
    best = max(candidates, key=lambda place: tuple(mine is not None for mine in place))
    return candidates[best][2], candidates[best][1]


@given(st.sets(dense, min_size=3), dense)
def test_of_places_that_cover_the_one_asked_for_the_most_specific_decides(covering, where):
    rows = [("p", place, number, START) for number, place in enumerate(sorted(covering, key=str))]
    found = book_of(rows).find("p", where, START)
    assert (found and (found.value, found.version)) == oracle(rows, "p", where, START)


@given(versions, st.sampled_from("pq"), asked, times)
def test_found_version_is_the_one_that_looking_at_all_of_them_finds(rows, policy, where, at):
    found = book_of(rows).find(policy, where, at)
    assert (found and (found.value, found.version)) == oracle(rows, policy, where, at)


def test_version_of_an_item_does_not_put_the_group_before_the_entity():
    """Asked without an item, an item's shape must not be taken for the group's."""
    rows = [
        ("p", place, number, START)
        for number, place in enumerate([(None,) * 5, (None,) * 4 + (1,), (7,) + (None,) * 4])
    ]
    assert book_of(rows).find("p", (None, None, None, None, 1), START).value == 1
    assert [found.setting.value for found in book_of(rows).in_force("p", (None, None, None, None, 1), START)] == [1, 0]


@settings(deadline=None)  # the first condition of a process brings its language in
@given(conditional, asked, times, facts)
def test_conditions_are_judged_in_the_order_of_precedence(rows, where, at, given_facts):
    book = book_of(rows)
    found = book.find_given("p", where, at, given_facts)
    assert (found and (found.value, found.version)) == oracle(rows, "p", where, at, given_facts)
    assert book.is_conditional("p") == any(row[4] for row in rows)


@given(versions, asked, times, places, st.none() | st.integers(0, 9))
def test_draft_decides_as_if_it_had_been_set_and_leaves_the_book_alone(rows, where, at, place, value):
    book = book_of(rows)
    before = [found.setting.version for found in book.in_force("p", where, at)]
    drafted = book.drafted([("p", place, value, None)], at).find("p", where, at)
    wanted = oracle([*rows, ("p", place, value, at)], "p", where, at)
    assert (drafted and drafted.value) == (wanted and wanted[0])
    assert [found.setting.version for found in book.in_force("p", where, at)] == before


def test_precedence_is_lexicographic_over_all_shapes():
    """Set everywhere at once, in each of the 32 shapes; then take the winner away, one after the other."""
    shapes = list(product((1, None), repeat=len(PARTS)))
    assert PARTS == ("item_id", "category_id", "location_id", "channel_id", "entity_id")
    expected = list(shapes)  # the item beats all that follows it, then the category, and so on; the group comes last
    rows = [("p", shape, number, START) for number, shape in enumerate(shapes)]
    winners = []
    while rows:
        found = book_of(rows).find("p", (1,) * len(PARTS), START)
        winners.append(shapes[found.value])
        rows = [row for row in rows if row[2] != found.value]
    assert winners == expected
    assert winners[0] == (1, 1, 1, 1, 1)
    assert winners[16] == (None, 1, 1, 1, 1), "an item alone beats all that name none"
    assert winners[-1] == (None,) * 5


def test_place_says_its_parts_in_the_order_of_precedence():
    assert Where(entity_id=5, item_id=1, channel_id=4, location_id=3, category_id=2).key == (1, 2, 3, 4, 5)

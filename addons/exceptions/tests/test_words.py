"""The words of exceptions: found by how they begin, and kept with what they are of."""

from dataclasses import replace
from functools import partial

from onhand_exceptions import queries, services
from onhand_exceptions.filtering import Filter, Vocabulary, parse


def test_words_are_found_by_how_they_begin_and_follow_their_exception(transact, world, cause, entities):
    entity = entities[0].id

    def found(text):
        def look(session, now):
            wanted = parse(text, Vocabulary(words=partial(queries.words_of, session)), Filter())
            return [row.title for row in queries.first(session, {entity: None}, wanted, now, 10)]

        return transact(look)

    def tell(title, minute):
        one = replace(cause(minute=minute, sku="85-123/A"), title=title)
        world["leak"] = {one.key: one}
        transact(lambda s, now: services.record(s, [one], "leak", now=now))

    tell("Late tea: order ab_12.7 of Ünal", 0)
    for text in ("late", "LAT", "ab_12", "ab-12.7", "12", "ünal", "85-12", "a", "te late", '"tea order"', '"late tea"'):
        assert len(found(text)) == 1, text
    for text in ("ate", "b_12", "5-123", "late coffee", '"late order"', "--", "%"):
        assert found(text) == [], text
    tell("Late coffee", 1)
    assert (found("tea"), found("coffee"), found("late")) == ([], ["Late coffee"], ["Late coffee"])

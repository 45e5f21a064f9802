"""Whatever is sold, received, adjusted, written off, marked down and agreed to, in any order: I1, I2 and I9 hold."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand.access.services import RoleAt
from onhand.approvals.api import Decision, decide
from onhand.approvals.models import Approval
from onhand_stock.services import Adjust, Adjusted, adjust
from onhand_stock.testing import differences

STEPS = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 30)),
    st.tuples(st.just("sell"), st.integers(1, 30)),
    st.tuples(st.just("count"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["theft", "damage", "found"]), st.integers(-40, 40)),
    st.tuples(st.just("price_drop"), st.integers(-10_000, 10_000)),
    st.tuples(st.just("agree"), st.integers(0, 3)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=12), numbers=st.data())
def test_adjustments_keep_the_books(shop, transact, person, steps, numbers):
    clerk, manager = person(RoleAt("clerk", shop.entity.id)), person(RoleAt("governance", shop.entity.id))
    waiting = []
    for verb, number in steps:
        before = shop.states()
        if verb in {"receive", "sell", "count"}:
            getattr(shop, verb)(number)
        elif verb == "agree" and waiting:
            approval_id = waiting.pop(number % len(waiting))
            shop.run(lambda session, now, id_=approval_id: _agree(session, id_, manager, now))
        elif verb != "agree":
            value = number if verb == "price_drop" else None
            seen = before.get("available", 0) - numbers.draw(st.sampled_from([0, 0, 0, 1]))
            one = Adjust(
                uuid4(), shop.entity.id, shop.item.id, shop.location.id, "available", max(seen, 0),
                0 if value is not None else number, verb, value_minor=value, is_trusted=True,
            )  # fmt: skip
            [answer] = shop.run(
                lambda session, now, one=one: adjust(session, [one], by=clerk.actor, now=now, source="t")
            )
            if not isinstance(answer, Adjusted) or answer.status != "posted":
                assert shop.states() == before
            if isinstance(answer, Adjusted) and answer.approval_id:
                waiting.append(answer.approval_id)
    assert transact(differences) == []


def _agree(session, approval_id, who, now):
    version = session.get(Approval, approval_id).version
    return decide(session, [Decision(approval_id, version, "approve")], by=who.actor, now=now)

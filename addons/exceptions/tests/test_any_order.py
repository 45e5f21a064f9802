"""Any order and duplication of deliveries ends in the same rows, checked against a model that knows no deliveries."""

from collections import defaultdict
from dataclasses import replace
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand_exceptions import services
from onhand_exceptions.models import Evidence, Exception_, Occurrence
from onhand_exceptions.occurrences import distinct
from sqlalchemy import func, select

KINDS = {"leak": 3, "noise": 1}
KEYS = ("a", "b")
examples = count()

reports = st.tuples(st.sampled_from(KEYS), st.sampled_from([*KINDS]), st.integers(0, 3), st.integers(1, 2))
worlds = st.dictionaries(st.tuples(st.sampled_from([*KINDS]), st.sampled_from(KEYS)), st.integers(1, 9))


@st.composite
def deliveries(draw):
    """Return what is reported, and batches that deliver each report at least once; None between them is a check."""
    reported = draw(st.lists(reports, min_size=1, max_size=8, unique=True))
    again = draw(st.lists(st.sampled_from(reported), max_size=6))
    order = draw(st.permutations([*reported, *again]))
    batches = []
    while order:
        size = draw(st.integers(1, len(order)))
        batches.append(order[:size])
        order = order[size:]
        if draw(st.booleans()):
            batches.append(None)
    return reported, batches


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deliveries(), worlds)
def test_any_order_and_duplication_ends_in_the_same_rows(transact, world, cause, delivered, holding):
    reported, batches = delivered
    prefix = f"example-{next(examples)}:"

    def as_cause(key, minute, quantity):
        return cause(prefix + key, minute, quantity, document=f"d{minute}-{quantity}")

    truths = {
        (kind, key): replace(as_cause(key, 2, quantity), title="now") for (kind, key), quantity in holding.items()
    }
    world.clear()
    for (kind, key), truth in truths.items():
        world[kind][prefix + key] = truth

    for batch in batches:
        if batch is None:
            transact(lambda session, now: services.recheck(session, cause().entity_id, None, now=now))
            continue
        by_kind = defaultdict(list)
        for key, kind, minute, quantity in batch:
            by_kind[kind].append(as_cause(key, minute, quantity))
        for kind, causes in by_kind.items():
            transact(lambda session, now, c=causes, k=kind: services.record(session, c, k, now=now))

    assert _found(transact, prefix) == _expected(reported, truths, as_cause, prefix)


def _expected(reported, truths, as_cause, prefix):
    told = defaultdict(list)
    for key, kind, minute, quantity in reported:
        told[key, kind].append(as_cause(key, minute, quantity))
    expected = {}
    for key in {key for key, _ in told}:
        evidence = {}
        for kind in KINDS:
            if (key, kind) not in told:
                continue
            ordered = [report.cause for report in distinct(told[key, kind], kind)]
            truth = truths.get((kind, key))
            times = [one.occurred_at for one in [*ordered, *([truth] if truth else [])]]
            now = truth or ordered[-1]
            evidence[kind] = (
                truth is not None, now.quantity, now.title, len(ordered), min(times), max(times), ordered[-1].evidence,
            )  # fmt: skip
        lead = min(evidence, key=lambda kind: (not evidence[kind][0], -KINDS[kind], kind))
        expected[prefix + key] = (
            "open" if any(proof[0] for proof in evidence.values()) else "resolved",
            lead,
            KINDS[lead],
            evidence[lead][1],
            evidence[lead][2],
            sum(proof[3] for proof in evidence.values()),
            min(proof[4] for proof in evidence.values()),
            max(proof[5] for proof in evidence.values()),
            evidence,
            sum(proof[3] for proof in evidence.values()),
        )
    return expected


def _found(transact, prefix):
    e, v, o = Exception_, Evidence, Occurrence

    def read(session, now):
        found = {}
        for row in session.scalars(select(e).where(e.cause_key.startswith(prefix))):
            assert row.cause_key not in found, "one row per cause"
            proofs = {
                proof.kind: (
                    proof.holds, proof.quantity, proof.title, proof.count, proof.first_seen_at, proof.last_seen_at,
                    proof.latest,
                )
                for proof in session.scalars(select(v).where(v.exception_id == row.id))
            }  # fmt: skip
            occurrences = session.scalar(select(func.count()).select_from(o).where(o.exception_id == row.id))
            found[row.cause_key] = (
                row.status, row.kind, row.severity, row.quantity, row.title, row.count, row.first_seen_at,
                row.last_seen_at, proofs, occurrences,
            )  # fmt: skip
        return found

    return transact(read)

"""Tampering past every wall, as only the database's superuser could: each sort is found and located."""

import pytest
from onhand.audit import sealing
from onhand.audit.digests import FIELDS, TEXTS, Sealed, block_digest, leaf_of, marks_of, root_of
from onhand.audit.invariants import INVARIANTS

CHANGES = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "entity_id": "NULL",
    "actor": "'user:99'",
    "actor_name": "actor_name || ' '",
    "user_id": "7",
    "action": "'thing.create'",
    "subject": "subject || '0'",
    "before": "NULL",
    "after": """jsonb_set(after, '{depth}', '"3"')""",
    "reason": "''",
    "policy_version": "policy_version + 1",
}


@pytest.fixture
def chain(write, sealed, monkeypatch, superuser):
    """Three blocks of three rows; the ids of the middle one."""
    monkeypatch.setattr(sealing, "BLOCK_ROWS_MAX", 3)
    write(9)
    assert sealed() == 9
    return superuser("SELECT ids FROM onhand.audit_block WHERE number = 2")[0][0]


def insert(superuser, id_):
    superuser(
        "INSERT INTO onhand.audit (id, actor, actor_name, action, subject) OVERRIDING SYSTEM VALUE"
        f" VALUES ({id_}, 'x', 'x', 'x.x', 'x')"
    )


@pytest.fixture
def faults(verified, superuser):
    """What verification finds; the law in SQL must find something too, or nothing as well."""

    def found(*anchors):
        faults = verified(*anchors).faults
        if not anchors:
            assert bool(superuser(INVARIANTS[0].sql)) == bool(faults)
        return [(fault.what, fault.block, fault.row, fault.fields) for fault in faults]

    return found


def test_every_field_can_be_tampered_with_in_these_tests() -> None:
    assert {"id", *CHANGES} == set(FIELDS)


@pytest.mark.parametrize("field", CHANGES)
def test_a_changed_field_is_named_with_its_row_and_block(chain, faults, superuser, field):
    superuser(f"UPDATE onhand.audit SET {field} = {CHANGES[field]} WHERE id = {chain[1]}")
    assert faults() == [("row changed", 2, chain[1], (field,))]


def test_a_deleted_row_is_found(chain, faults, superuser):
    superuser(f"DELETE FROM onhand.audit WHERE id = {chain[0]}")
    assert faults() == [("row deleted", 2, chain[0], ())]


def test_a_deleted_row_put_back_with_other_words_is_a_changed_row(chain, faults, superuser):
    superuser(f"DELETE FROM onhand.audit WHERE id = {chain[1]}")
    insert(superuser, chain[1])
    assert [fault[:3] for fault in faults()] == [("row changed", 2, chain[1])]


def test_a_row_slipped_into_a_gap_is_found(write, sealed, transact, faults, superuser):
    write()
    superuser("SELECT nextval('onhand.audit_id_seq')")  # as a rolled back transaction leaves a gap
    write()
    sealed()
    [(gap,)] = superuser("SELECT min(id) + 1 FROM onhand.audit")
    insert(superuser, gap)
    assert faults() == [("row inserted", 1, gap, ())]


def test_two_rows_that_change_places_are_found(chain, faults, superuser):
    first, second, _ = chain
    superuser(
        "UPDATE onhand.audit a SET (subject, before, after, recorded_at) = (b.subject, b.before, b.after, b.recorded_at)"
        f" FROM onhand.audit b WHERE a.id IN ({first}, {second}) AND b.id = {first} + {second} - a.id"
    )
    fields = ("recorded_at", "subject", "before", "after")
    assert faults() == [("row changed", 2, first, fields), ("row changed", 2, second, fields)]


@pytest.mark.parametrize(
    ("change", "located"),
    [
        ("digest = sha256('x')", {("block changed", 2)}),
        ("leaves[2] = sha256('x')", {("block changed", 2), ("row changed", 2)}),
        ("sealed_at = sealed_at + interval '1 s'", {("block changed", 2)}),
        ("previous = sha256('x')", {("block changed", 1), ("block changed", 2)}),
    ],
)
def test_a_changed_block_is_found(chain, faults, superuser, change, located):
    superuser(f"UPDATE onhand.audit_block SET {change} WHERE number = 2")
    assert {fault[:2] for fault in faults()} == located


def test_a_missing_block_is_found(chain, faults, superuser):
    superuser("DELETE FROM onhand.audit_block WHERE number = 2")
    assert ("block missing", 2, None, ()) in faults()


def rewrite(superuser, number):
    """Do what a patient superuser would: put a block, and all after it, in agreement with the rows as they are now."""
    blocks = superuser("SELECT number, after_id, last_id, sealed_at FROM onhand.audit_block ORDER BY number")
    digest = None
    for found, after_id, last_id, sealed_at in blocks:
        if found < number:
            [(digest,)] = superuser("SELECT digest FROM onhand.audit_block WHERE number = %s", found)
            continue
        rows = superuser(
            f"SELECT {', '.join(TEXTS)} FROM onhand.audit a WHERE id > %s AND id <= %s ORDER BY id",
            after_id,
            last_id,
        )
        ids, leaves = [int(row[0]) for row in rows], [leaf_of(row) for row in rows]
        sealed = Sealed(found, after_id, last_id, len(ids), sealed_at, root_of(zip(ids, leaves, strict=True)), digest)
        digest = block_digest(sealed)
        superuser(
            "UPDATE onhand.audit_block SET ids = %s, leaves = %s, marks = %s, previous = %s, digest = %s WHERE number = %s",
            ids, leaves, [marks_of(row) for row in rows], sealed.previous, digest, found,
        )  # fmt: skip


def test_a_chain_rewritten_to_its_end_is_found_by_the_head_kept_outside(chain, faults, verified, superuser):
    kept = verified().head
    superuser(f"UPDATE onhand.audit SET reason = 'nothing to see' WHERE id = {chain[1]}")
    rewrite(superuser, 2)
    assert faults() == [], "consistent in itself: no digest inside can tell"
    assert faults(kept) == [("head differs", 3, None, ())]


def test_an_end_that_was_cut_off_is_found_by_the_head_kept_outside(chain, faults, verified, superuser):
    kept = verified().head
    superuser("DELETE FROM onhand.audit WHERE id > (SELECT last_id FROM onhand.audit_block WHERE number = 2)")
    superuser("DELETE FROM onhand.audit_block WHERE number = 3")
    assert faults() == []
    assert faults(kept) == [("block missing", 3, None, ())]


def test_a_head_of_old_still_holds(chain, faults, verified, write, sealed):
    kept = verified().head
    write(4)
    sealed()
    assert faults(kept) == []


# At the command line.


def test_verify_exits_with_1_and_names_the_row_when_one_was_changed(chain, onhand, superuser):
    assert onhand("audit", "verify", "--json")["faults"] == []
    superuser(f"UPDATE onhand.audit SET actor = 'user:1', after = NULL WHERE id = {chain[2]}")
    assert onhand("audit", "verify", "--json", exits=1)["faults"] == [
        {"what": "row changed", "block": 2, "row": chain[2], "fields": ["actor", "after"], "detail": ""}
    ]
    assert f"row changed: block 2, row {chain[2]} (actor, after)" in onhand("audit", "verify", exits=1)


def test_a_head_printed_once_proves_the_trail_later(chain, onhand, write, superuser, tmp_path):
    kept = tmp_path / "heads.txt"
    kept.write_text(onhand("audit", "head"))
    write(2)
    assert onhand("audit", "seal", "--json") == {"rows": 2}
    with kept.open("a") as heads:
        heads.write(onhand("audit", "head"))
    onhand("audit", "verify", "--head", kept)
    rewrite(superuser, 1)
    onhand("audit", "verify", "--head", kept)
    superuser(f"DELETE FROM onhand.audit WHERE id = {chain[0]}")
    rewrite(superuser, 2)
    onhand("audit", "verify")
    assert "head differs: block 3" in onhand("audit", "verify", "--head", kept, exits=1)


@pytest.mark.parametrize("head", ["3", "3:abc", "x:" + "0" * 64, "no/such/file"])
def test_a_head_that_is_none_is_a_usage_error(onhand, head):
    onhand("audit", "verify", "--head", head, exits=2)


def test_services_away_are_3(monkeypatch, onhand):
    monkeypatch.setenv("DATABASE_URL", "postgresql://onhand_app@127.0.0.1:1/none")
    onhand("audit", "verify", exits=3)

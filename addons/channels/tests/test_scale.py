"""What is asked of all orders there ever were is led to by an index."""

from onhand.db import cursor
from onhand_channels.master_data import OPEN

FILL = """
INSERT INTO channels.order_line (channel_id, order_reference, line, item_id, entity_id, ordered)
SELECT 1, 'W-' || n, '1', n %% 2000, %s, 2 FROM generate_series(1, 6000) AS n
"""


def test_the_open_orders_of_an_item_are_found_without_reading_those_of_others(transact, entities, superuser):
    entity = entities[0].id
    transact(lambda session, _: cursor(session).execute(FILL, (entity,)) and None)
    superuser("ANALYZE channels.order_line")

    def plan(session, _):
        rows = cursor(session).execute(f"EXPLAIN (FORMAT TEXT) {OPEN}", ([7], entity)).fetchall()
        return "\n".join(row[0] for row in rows)

    found = transact(plan)
    assert "order_line_item_id_idx" in found
    assert "Seq Scan" not in found

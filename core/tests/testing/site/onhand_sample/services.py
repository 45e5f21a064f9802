from onhand.db import cursor


def note(session, entity_id, names):
    """Keep things by their names; a name that is there already stays as it is."""
    cursor(session).execute(
        "INSERT INTO sample.thing (entity_id, name) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (entity_id, list(names)),
    )

"""Words by which exceptions are found, in a table of their own: an index that the wall between entities lets a search use.

Behind row-level security only what cannot leak serves an index: comparing texts can be trusted, matching text queries
and overlapping arrays cannot, so that the indexes on those were written and never read.
"""

from alembic import op
from onhand.migrate import grant, isolate

revision = "exceptions_0008"
down_revision = "exceptions_0007"

SEARCHED = "title || ' ' || coalesce(sku, '') || ' ' || coalesce(location, '')"
SAYS = "concat_ws(' ', {0}.title, {0}.sku, {0}.location)"
CHANGED = "(w.title, w.sku, w.location) IS DISTINCT FROM (n.title, n.sku, n.location)"
EVERYWHERE = """
SELECT set_config('onhand.entities', (SELECT '{' || coalesce(string_agg(id::text, ','), '') || '}' FROM onhand.entity), true)
"""


def upgrade() -> None:
    op.execute("""
        CREATE TABLE exceptions.word (
          exception_id uuid NOT NULL CONSTRAINT word_exception_id_fkey REFERENCES exceptions.exception (id),
          word text COLLATE "C" NOT NULL,
          entity_id integer NOT NULL,
          CONSTRAINT word_pkey PRIMARY KEY (exception_id, word)
        )
    """)
    isolate("exceptions.word")
    grant("exceptions.word", "SELECT, INSERT, DELETE")
    # What stands between blanks, in lower case, as its parts between punctuation: of ASCII, whatever the locale.
    op.execute(r"""
        CREATE FUNCTION exceptions.parts_of(said text) RETURNS SETOF text[] LANGUAGE sql IMMUTABLE AS $$
          SELECT parts FROM regexp_split_to_table(lower(said), '\s+') WITH ORDINALITY AS c (chunk, n),
            LATERAL (SELECT array_remove(regexp_split_to_array(chunk, '[!-/:-@\[-`{-~]+'), '') AS parts) AS p
          WHERE parts <> '{}' ORDER BY n
        $$
    """)
    # From each part to the end of its chunk: `851-b` and `b` are the words of `851/B`, and a search is how one begins.
    op.execute("""
        CREATE FUNCTION exceptions.words_of(said text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
          SELECT left(array_to_string(parts[at:], '-'), 80)
          FROM exceptions.parts_of(left(said, 1000)) AS parts, generate_subscripts(parts, 1) AS at
        $$
    """)
    op.execute(f"""
        CREATE FUNCTION exceptions.keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' THEN
            DELETE FROM exceptions.word AS d USING was AS w JOIN becomes AS n USING (id)
            WHERE d.exception_id = n.id AND {CHANGED}
              AND d.word NOT IN (SELECT word FROM exceptions.words_of({SAYS.format("n")}) AS word);
            INSERT INTO exceptions.word (exception_id, word, entity_id)
            SELECT n.id, word, n.entity_id
            FROM was AS w JOIN becomes AS n USING (id), exceptions.words_of({SAYS.format("n")}) AS word
            WHERE {CHANGED} ON CONFLICT DO NOTHING;
          ELSE
            INSERT INTO exceptions.word (exception_id, word, entity_id)
            SELECT n.id, word, n.entity_id FROM becomes AS n, exceptions.words_of({SAYS.format("n")}) AS word
            ON CONFLICT DO NOTHING;
          END IF;
          RETURN NULL;
        END $$
    """)
    op.execute(EVERYWHERE)
    op.execute(f"""
        INSERT INTO exceptions.word (exception_id, word, entity_id)
        SELECT e.id, word, e.entity_id FROM exceptions.exception AS e, exceptions.words_of({SAYS.format("e")}) AS word
        ON CONFLICT DO NOTHING
    """)
    op.execute("""
        CREATE INDEX word_entity_id_word_exception_id_idx ON exceptions.word (entity_id, word, exception_id);
        CREATE TRIGGER keep_words_of_new AFTER INSERT ON exceptions.exception
          REFERENCING NEW TABLE AS becomes FOR EACH STATEMENT EXECUTE FUNCTION exceptions.keep_words();
        CREATE TRIGGER keep_words AFTER UPDATE ON exceptions.exception
          REFERENCING OLD TABLE AS was NEW TABLE AS becomes FOR EACH STATEMENT EXECUTE FUNCTION exceptions.keep_words();
        DROP INDEX exceptions.exception_text_idx;
        DROP INDEX exceptions.exception_kinds_idx
    """)


def downgrade() -> None:
    op.execute(f"""
        CREATE INDEX exception_kinds_idx ON exceptions.exception USING gin (kinds);
        CREATE INDEX exception_text_idx ON exceptions.exception USING gin (to_tsvector('simple', {SEARCHED}));
        DROP TRIGGER keep_words ON exceptions.exception;
        DROP TRIGGER keep_words_of_new ON exceptions.exception;
        DROP FUNCTION exceptions.keep_words();
        DROP FUNCTION exceptions.words_of(text);
        DROP FUNCTION exceptions.parts_of(text);
        DROP TABLE exceptions.word
    """)

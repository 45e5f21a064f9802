"""Add-ons that start, and do harm when their hooks are called."""

from hostile.packages import Hostile

__all__ = ["BESIDE", "FIGURES_BADLY", "IN_A_HOLD", "ON_A_PAGE", "TAKING"]

SQL = "from onhand.db import cursor\n\n"


def _extending(noun: str, said: str, body: str, *, files: dict[str, str] | None = None) -> Hostile:
    plugin = f"{SQL}@hookimpl\ndef movement_posted(session, movements, now):\n    {body}\n"
    return Hostile(noun, said, plugin, files=files or {})


def _guarding(noun: str, said: str, body: str) -> Hostile:
    plugin = f"{SQL}@hookimpl\ndef may_move(session, groups, now):\n    {body}\n"
    return Hostile(noun, said, plugin)


def _showing(noun: str, said: str, body: str) -> Hostile:
    plugin = (
        f"{SQL}@hookimpl\ndef tiles(session, entity_id, now):\n    {body}\n\n\n"
        "from onhand.contributions import Permission\n\n\n"
        f"@hookimpl\ndef permissions():\n    return [Permission('{noun}.read', 'Look')]\n"
    )
    return Hostile(noun, said, plugin)


NOT_ITS_OWN = "it writes {0}, which is not its own"
IN_A_HOLD = (
    _extending("raises", "ZeroDivisionError: division by zero", "1 / 0"),
    _extending("quits", "it ended the thread", "raise SystemExit(1)"),
    _extending("commits", "the transaction was ended from inside", "session.commit()"),
    _extending("rolls_back", "the transaction was ended from inside", "session.rollback()"),
    _extending("closes", "the transaction was ended from inside", "session.close()"),
    _extending("says_commit", "it ends the transaction", "cursor(session).execute('/* done */ COMMIT')"),
    _extending("executes", "it ends the transaction",
               "from sqlalchemy import text; session.execute(text('COMMIT'))"),
    _extending("trespasses", NOT_ITS_OWN.format("master_data.item"),
               "cursor(session).execute(\"UPDATE master_data.item SET name = 'mine'\")"),
    _extending("cooks_books", NOT_ITS_OWN.format("stock.movement"),
               "cursor(session).execute('DELETE FROM stock.movement')"),
    _extending("hides_it", "permission denied for table balance",
               "cursor(session).execute('DO $$ BEGIN EXECUTE $q$ UPDATE $q$ || $q$ stock.balance SET available = 9 $q$; END $$').rowcount"),
    _extending("impersonates", "it takes another role", "cursor(session).execute('SET LOCAL ROLE onhand_stock')"),
    _extending("sleeps", "took too long in movement_posted", "cursor(session).execute('SELECT pg_sleep(30)').fetchall()"),
    _extending("mistypes", "relation \"mistypes.nothing\" does not exist",
               "cursor(session).execute('SELECT * FROM mistypes.nothing').fetchall()"),
    _guarding("guards_badly", "ValueError: no", "raise ValueError('no')"),
    _guarding("guards_junk", "may_move contains 'no', no Objection", "return ['no']"),
    _guarding("guards_nothing", "may_move returns NoneType, not a list", "return None"),
    _guarding("guards_writing", "it writes guards_writing.note, and a guard writes nothing",
              "cursor(session).execute('INSERT INTO guards_writing.note VALUES (1)'); return []"),
)  # fmt: skip

ON_A_PAGE = (
    _showing("shows_badly", "KeyError: 'figure'", "raise KeyError('figure')"),
    _showing("shows_junk", "tiles contains 'figure', no Tile", "return ['figure']"),
    _showing("shows_slowly", "took too long in tiles", "cursor(session).execute('SELECT pg_sleep(30)').fetchall()"),
    _showing("shows_half", "tiles returns generator, not a list", "yield None; raise ValueError('half way')"),
    _showing("shows_a_script", "href is 'javascript:alert",
             "from onhand.contributions import Tile; return [Tile('T', '1', 'javascript:alert(1)')]"),
    _showing("forks", "it forked the process",
             "import os, warnings; warnings.simplefilter('ignore', DeprecationWarning); os.waitpid(os.fork(), 0); return []"),
    _showing("shows_writing", "cannot execute INSERT in a read-only transaction",
             "cursor(session).execute(\"INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at) \"\n"
             "        \"VALUES ('x', 1, '{}', now(), now())\")"),
)  # fmt: skip

FIGURES_BADLY = Hostile(
    "figures_badly",
    "",
    """
    from onhand.contributions import Kpi, KpiColumn, Permission, PolicyBacktest

    ONE = "SELECT 'one' AS key, 1 AS n LIMIT 1"

    def figure(name, sql=ONE, **more):
        columns = (KpiColumn("n", "Number", "quantity"),)
        return Kpi(f"figures_badly.{name}", f"The figure {name}", "A number.", "figures_badly.read", sql, columns,
                   ONE, columns, **more)

    @hookimpl
    def kpis():
        return [
            figure("right", href=lambda row: "/"),
            figure("mistyped", "SELECT nothing LIMIT 1"),
            figure("slow", "SELECT 'one' AS key, 1 AS n FROM pg_sleep(30) LIMIT 1"),
            figure("writing", "INSERT INTO onhand.outbox (hook, entity_id, payload, due_at, recorded_at)"
                   " VALUES ('x', 1, '{}', now(), now()) RETURNING 'one' AS key, 1 AS n"),
            figure("unlike", "SELECT 'one' AS key, 'many' AS n LIMIT 1"),
            figure("keyless", "SELECT 1 AS n LIMIT 1"),
            figure("unprepared", prepare=lambda *_: 1 / 0),
            figure("leads_nowhere", href=lambda row: row["nowhere"]),
        ]

    @hookimpl
    def permissions():
        return [Permission("figures_badly.read", "Look")]

    @hookimpl
    def policy_backtests():
        return [PolicyBacktest("Sales", ("reservations.buffer",), lambda session, trial: 1 / 0)]
    """,
)
"""Its figures, each wrong in another way, and a back-test that fails."""

TAKES = """
@hookimpl
def may_move(session, groups, now):
    groups.clear()
    return []


@hookimpl
def movement_posted(session, movements, now):
    movements.clear()
"""
SEES = """
SEEN = []


@hookimpl
def may_move(session, groups, now):
    SEEN.append(len(groups))
    return []


@hookimpl
def movement_posted(session, movements, now):
    SEEN.append(len(movements))
"""
TAKING = (Hostile("takes_it_all", "", TAKES), Hostile("wants_some", "", SEES, requires=("stock", "takes_it_all")))
"""One empties the lists it is handed, and one comes after it."""

BESIDE = (
    Hostile(
        "misclaims", "claims returns 0 answers for 1 demands",
        "@hookimpl(tryfirst=True)\ndef claims(session, demands, now): return []", requires=("channels",),
    ),
    Hostile(
        "observes_badly", "RuntimeError: not listening",
        "@hookimpl\ndef exceptions_raised(session, event, now): raise RuntimeError('not listening')",
    ),
    Hostile(
        "hangs", "and did not end",
        """
        from threading import Event

        begun, let_go = Event(), Event()

        @hookimpl
        def movement_posted(session, movements, now):
            begun.set()
            let_go.wait(60)
        """,
    ),
    Hostile(
        "keeps_the_lock", r"it kept the interpreter's lock at may_move \(onhand_keeps_the_lock/plugin\.py:\d+\)",
        """
        import re

        @hookimpl
        def may_move(session, groups, now):
            re.match(r"(a+)+$", "a" * 50 + "b")
            return []
        """,
    ),
)  # fmt: skip

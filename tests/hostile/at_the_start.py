"""Add-ons that cannot be started, or whose tables cannot be made."""

from hostile.packages import Hostile, revision

__all__ = ["HANGING", "LATE", "NOT_MIGRATED", "STARTING"]

BLUEPRINT = """
from flask import Blueprint
from onhand.access import public, requires

pages = Blueprint("{noun}", __name__, url_prefix="/{noun}")
{body}

@hookimpl
def blueprints():
    return [pages]
"""


def _pages(noun: str, body: str) -> str:
    return BLUEPRINT.format(noun=noun, body=body)


STARTING = (
    Hostile("raising", "raised ZeroDivisionError: division by zero when its plugin.py was imported", "1 / 0"),
    Hostile("garbled", "raised SyntaxError: .* when its plugin.py was imported", "def def"),
    Hostile("exiting", "ended the process when its plugin.py was imported", "import sys\n\nsys.exit(3)"),
    Hostile("wanting", "raised ModuleNotFoundError: No module named 'no_such_library'", "import no_such_library"),
    Hostile("misspelt", r"implements the hook 'permisions'.*near to it: permissions", "@hookimpl\ndef permisions(): return []"),
    Hostile("misfit", r"otherwise than its spec says \(for hook 'menu'.*entity", "@hookimpl\ndef menu(entity): return []"),
    Hostile(
        "wrapping", "wraps the hook 'movement_posted': have it implement the hook",
        "@hookimpl(wrapper=True)\ndef movement_posted(session, movements, now):\n    return (yield)",
    ),
    Hostile("empty_handed", "contributes what is no menu: menu returns NoneType, not a list", "@hookimpl\ndef menu(): pass"),
    Hostile("junk", "contributes what is no policies: policies contains 'junk', no PolicyType", "@hookimpl\ndef policies(): return ['junk']"),
    Hostile(
        "odd_field", "no menu: menu contains .* whose order is 'last', no int",
        """
        from onhand.contributions import MenuItem

        @hookimpl
        def menu():
            return [MenuItem("Odd", "shell.home", "home", "stock.read", order="last")]
        """,
    ),
    Hostile("refusing", "raised RuntimeError: not today when it was asked for its permissions",
            "@hookimpl\ndef permissions(): raise RuntimeError('not today')"),
    Hostile(
        "second_kind", "contributes 'sale' to movement_kinds, and so does stock: name it otherwise",
        """
        from onhand_stock.api import MovementKind

        @hookimpl
        def movement_kinds():
            return [MovementKind("sale", "Sale", "fact", (("available", "customer"),))]
        """,
    ),
    Hostile(
        "second_spec", "raised ValueError: Hook 'movement_kinds' is already registered",
        files={"hooks.py": "from onhand.hooks import contribute\n\n\n@contribute\ndef movement_kinds(): ..."},
    ),
    Hostile(
        "badly_timed", "has a schedule that cannot be kept: badly_timed.work: 'now and then' is no cron line",
        """
        from onhand.contributions import Schedule
        from onhand.jobs import actor

        @actor(attempts=1)
        def work(entities): ...

        @hookimpl
        def schedules():
            return [Schedule("badly_timed.work", work, cron="now and then")]
        """,
    ),
    Hostile(
        "actorless", "has a schedule 'actorless.work' of None, which is no actor",
        """
        from datetime import timedelta

        from onhand.contributions import Schedule

        @hookimpl
        def schedules():
            return [Schedule("actorless.work", None, every=timedelta(hours=1))]
        """,
    ),
    Hostile("open_door", "has routes of which it does not say who may pass",
            _pages("open_door", "@pages.get('/')\ndef index(): return ''")),
    Hostile("no_key", "has a route no_key.index that requires 'no_key.read', which no add-on contributes",
            _pages("no_key", "@pages.get('/')\n@requires('no_key.read')\ndef index(): return ''")),
    Hostile("squatting", "takes the address /apps, which is that of shell.apps: choose another one",
            _pages("squatting", "pages.url_prefix = None\n\n@pages.get('/apps')\n@public\ndef index(): return ''")),
    Hostile("annexing", "takes the address /stock/annex, where the pages of stock are: have its pages under /annexing/",
            _pages("annexing", "pages.url_prefix = '/stock'\n\n@pages.get('/annex')\n@public\ndef index(): return ''")),
    Hostile("meddling", r"would take part in every request of the site \(before_request_funcs\)",
            _pages("meddling", "@pages.before_app_request\ndef meddle(): 1 / 0")),
    Hostile(
        "astray", "has a line 'Astray' in the menu that leads to no page, astray.nowhere",
        """
        from onhand.contributions import MenuItem

        @hookimpl
        def menu():
            return [MenuItem("Astray", "astray.nowhere", "home", "stock.read")]
        """,
    ),
    Hostile(
        "patching", r"replaced Flask\.full_dispatch_request, Session\.commit when its plugin\.py was imported: leave to",
        """
        import flask
        from sqlalchemy.orm import Session

        flask.Flask.full_dispatch_request = lambda self: "mine"
        Session.commit = lambda self: None
        """,
    ),
    Hostile(
        "muting", r"replaced sys\.stdout, logging\.disable, the handler of SIGTERM when",
        """
        import io, logging, signal, sys

        sys.stdout = io.StringIO()
        logging.disable(logging.CRITICAL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        """,
    ),
    Hostile(
        "marked_up", "contributes what is no menu: menu contains .* whose label is markup, '<script>alert",
        """
        from markupsafe import Markup
        from onhand.contributions import MenuItem

        @hookimpl
        def menu():
            return [MenuItem(Markup("<script>alert(1)</script>"), "shell.home", "home", "stock.read")]
        """,
    ),
    Hostile(
        "twin_table", r"raised InvalidRequestError: Table 'stock\.balance' is already defined",
        """
        from onhand.db import Base, table
        from sqlalchemy.orm import Mapped, mapped_column

        class Balance(Base):
            __tablename__ = "balance"
            __table_args__ = table(schema="stock", scope="entity")
            entity_id: Mapped[int] = mapped_column(primary_key=True)
        """,
    ),
    Hostile("ring_one", "is required in a circle, ring_(one|two) → ring_(two|one)", requires=("ring_two",)),
    Hostile("ring_two", "is required in a circle, ring_(one|two) → ring_(two|one)", requires=("ring_one",)),
    Hostile("lonely", "requires nobody_there, which is not installed", requires=("nobody_there",)),
    Hostile("leaning", "requires raising, which does not run", requires=("stock", "raising")),
    Hostile("stock", "offers itself as 'stock', as does onhand-stock: uninstall one of them",
            distribution="better-stock", requires=()),
    Hostile("pg_catalog", "has a name that cannot be one: it names a PostgreSQL schema"),
    Hostile("order", "has a name that cannot be one: .* a word of SQL's own"),
)  # fmt: skip

HANGING = Hostile(
    "hanging", "took longer than 0.3 s when its plugin.py was imported", "while True:\n    pass", requires=()
)

NOT_MIGRATED = (
    Hostile("bad_sql", "could not be migrated: raised .*division by zero", files=revision("bad_sql", "SELECT 1 / 0")),
    Hostile("half_way", "could not be migrated: raised .*nothing_there",
            files=revision("half_way", "CREATE TABLE half_way.one (); ALTER TABLE half_way.nothing_there ADD two text")),
    Hostile("unreadable", "could not be migrated: raised SyntaxError", files={"migrations/versions/0001_first.py": "def def"}),
    Hostile(
        "bad_rows", "could not be migrated: raised .*bad_rows.nothing",
        """
        from onhand.contributions import ReferenceRows

        @hookimpl
        def reference_rows(addons):
            return [ReferenceRows("bad_rows.nothing", ("name",), ({"name": "one"},))]
        """,
    ),
)  # fmt: skip

LATE = Hostile("late", "has tables at nothing and needs them at late_0001: run `onhand migrate`",
               files=revision("late", "SELECT 1"))  # fmt: skip

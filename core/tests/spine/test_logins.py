"""The site starts only under a login that cannot pass the walls it relies on."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from onhand.app import create_app
from onhand.roles import UnsafeLogin, verify_login_role
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool


@pytest.fixture
def verify(onhand_site):
    """Judge a login."""

    def judge(name):
        engine = create_engine(onhand_site.database.addresses.url(name, onhand_site.database.name), poolclass=NullPool)
        verify_login_role(engine)

    return judge


@pytest.fixture
def made(superuser):
    """Make roles for as long as a test lasts: `made("walker", "LOGIN BYPASSRLS")`."""
    names = []

    def make(name, options, *grants):
        superuser(f"CREATE ROLE {name} {options}")
        names.append(name)
        for grant in grants:
            superuser(grant)
        return name

    yield make
    for name in reversed(names):
        superuser(f"DROP OWNED BY {name}")
        superuser(f"DROP ROLE {name}")


@contextmanager
def refused(because):
    with pytest.raises(UnsafeLogin, match=because) as raised:
        yield
    assert "onhand_app" in str(raised.value)
    assert "ONHAND_OWNER_DATABASE_URL" in str(raised.value)


def test_login_of_the_application_is_accepted(verify):
    verify("onhand_app")


@pytest.mark.parametrize(
    ("login", "because"), [("postgres", "'postgres', which is a superuser"), ("onhand_owner", r"owns \d+ relations")]
)
def test_site_does_not_start_under_a_login_that_passes_the_walls(onhand_site, login, because):
    url = onhand_site.database.addresses.url(login, onhand_site.database.name)
    with refused(because):
        create_app(replace(onhand_site.settings, database_url=url), addons=onhand_site.addons)


def test_login_that_bypasses_row_level_security_is_refused(verify, made):
    with refused("which bypasses row-level security"):
        verify(made("spine_walker", "LOGIN BYPASSRLS"))


def test_login_that_makes_roles_is_refused(verify, made):
    with refused("may make roles"):
        verify(made("spine_maker", "LOGIN CREATEROLE"))


def test_login_that_owns_a_table_is_refused(verify, made, superuser):
    name = made("spine_owner", "LOGIN", "GRANT CREATE, USAGE ON SCHEMA lamp TO spine_owner")
    superuser("CREATE TABLE lamp.own ()")
    superuser(sql.SQL("ALTER TABLE lamp.own OWNER TO {}").format(sql.Identifier(name)).as_string())
    with refused("owns 1 relations"):
        verify(name)


@pytest.mark.parametrize("inherit", ["TRUE", "FALSE"])
def test_login_that_may_become_another_is_judged_by_that_one(verify, made, inherit):
    name = made("spine_double", "LOGIN", f"GRANT onhand_owner TO spine_double WITH INHERIT {inherit}, SET TRUE")
    with refused(r"'spine_double', which may become onhand_owner, which .*owns \d+ relations"):
        verify(name)


def test_login_of_another_name_with_the_applications_rights_is_accepted(verify, made):
    verify(made("spine_web", "LOGIN", "GRANT onhand_app TO spine_web"))

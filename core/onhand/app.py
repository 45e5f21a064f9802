"""The application factory: core first, then every installed add-on in dependency order."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask
from sqlalchemy.engine import make_url

from onhand import access, health, jobs, limits, logs, metrics, mounting, rest, running, shedding, web
from onhand.addons import Addon, Addons, BrokenAddon, Fault, Installed, discover, survey
from onhand.addons.graph import without
from onhand.addons.registry import load
from onhand.config import Settings
from onhand.db import db
from onhand.rest.calls import Lane
from onhand.roles import verify_login_role
from onhand.web.headers import HSTS, fixed_headers

__all__ = ["assemble", "create_app", "start", "surveyed"]


def create_app(
    settings: Settings | None = None, *, addons: Sequence[Addon] | None = None, site: Path | None = None
) -> Flask:
    """Build the application for a migrated database.

    By default with every installed add-on that can run (none in safe mode): one that is broken is left out, and so is
    what requires it; the log says which and why. Those named in `addons` must all run: BrokenAddon for the first that
    does not. `site` is the folder whose `templates/` win over an add-on's own, the working directory by default.
    Raises when the core itself is broken, or when the database login could pass the walls between entities.
    """
    settings = settings or Settings.from_environment()
    if addons is None:
        app = start(settings, surveyed(settings), site=site)
    else:
        app = assemble(settings, addons=addons, site=site)
    with app.app_context():
        try:
            verify_login_role(db.engine)
            running.hold_unready(app)
        except BaseException:
            db.engine.dispose()
            raise
    running.report(app)
    return app


def surveyed(settings: Settings) -> Installed:
    """Return the add-ons that count, and why others do not: those that are installed, none in safe mode."""
    return Installed(()) if settings.safe_mode else survey()


def start(settings: Settings, installed: Installed, *, site: Path | None = None) -> Flask:
    """Put the application together with those of the add-ons that can run, each broken one left out in its turn."""
    while True:
        loaded = load(installed)  # the cheap part first: most of what is broken shows here
        installed = Installed(tuple(loaded.addon(noun) for noun in loaded.names), loaded.faults)
        try:
            return assemble(settings, addons=installed.addons, site=site, faults=installed.faults)
        except BrokenAddon as broken:
            installed = without(installed, broken)


def assemble(
    settings: Settings,
    *,
    addons: Sequence[Addon] | None = None,
    site: Path | None = None,
    faults: Sequence[Fault] = (),
) -> Flask:
    """Put the application together without asking database or Redis anything: for tools that look at its parts.

    Only `create_app` makes one that may serve. Raises BrokenAddon for the first add-on that cannot be fitted in.
    """
    app = Flask("onhand", template_folder=str((site or Path.cwd()) / "templates"), static_folder=None)
    app.config.from_mapping(_flask_config(settings))
    app.extensions["onhand_settings"] = settings
    logs.init_app(app)
    db.init_app(app)
    installed = [] if settings.safe_mode else list(discover() if addons is None else addons)
    registry = app.extensions["onhand"] = Addons(installed, faults)
    metrics.init_app(app)
    jobs.init_app(app, redis_url=settings.redis_url, namespace=f"onhand:{make_url(settings.database_url).database}")
    rest.init_app(app)
    limits.init_app(app)
    lane = app.extensions["onhand_lane"] = Lane(app, app.wsgi_app)
    app.wsgi_app = lane  # type: ignore[method-assign]  # middleware goes around it
    access.init_app(app)
    health.init_app(app)
    web.init_app(app)
    mounting.mount(app, registry)
    access.require_declarations(app)
    lane.open(access.doors(app), access.admit_bearer, fixed_headers(), (HSTS,))
    shedding.init_app(app, settings.wait_seconds_max)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    if not settings.database_url:
        raise ValueError("DATABASE_URL is not set; `onhand dev` and `onhand demo` bring their own database")
    if not settings.secret_key:
        raise ValueError("SECRET_KEY is not set; use 32 random bytes, the same on every host of the site")
    options = {
        "lock_timeout": settings.lock_timeout_ms,
        "statement_timeout": settings.statement_timeout_ms,
        "idle_in_transaction_session_timeout": settings.idle_timeout_ms,
        "timezone": "UTC",
    }
    return {
        "SECRET_KEY": settings.secret_key,
        "MAX_CONTENT_LENGTH": settings.body_bytes_max,
        "MAX_FORM_MEMORY_SIZE": settings.body_bytes_max,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SQLALCHEMY_DATABASE_URI": make_url(settings.database_url).set(drivername="postgresql+psycopg"),
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": settings.pool_size,
            "max_overflow": 0,
            "pool_timeout": settings.pool_timeout_seconds,
            "connect_args": {
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
                "prepare_threshold": 2,
            },
        },
        "REDIS_URL": settings.redis_url,
    }

"""Settings from the environment. Business rules are policies, never settings."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

__all__ = ["BadSetting", "Settings", "UnknownSetting"]


class UnknownSetting(Exception):
    """An `ONHAND_` variable that means nothing: most likely a misspelling, so the start is refused."""


class BadSetting(ValueError):
    """A variable whose value a setting cannot take."""


TEST_ONLY = frozenset({"ONHAND_CONFORMANCE"})
"""Variables that tests read, never a process: where the examples of outside standards lie."""
OUTSIDE = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL", "secret_key": "SECRET_KEY"}
"""Settings that hosting platforms set under names of their own."""
CHOICES: dict[str, tuple[str, ...]] = {
    "log_format": ("json", "console"),
    "log_level": ("debug", "info", "warning", "error", "critical"),
    "password_cost": ("full", "cheap"),
}
KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
LEAST: dict[str, float] = {
    "pool_size": 1,
    "pool_timeout_seconds": 0.1,
    "statement_timeout_ms": 1,
    "lock_timeout_ms": 1,
    "idle_timeout_ms": 1,
    "proxies": 0,
    "body_bytes_max": 1,
    "wait_seconds_max": 0.01,
    "hook_seconds_max": 0.1,
}
"""Zero would mean "no limit" to those below us; a limit on everything is the rule."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs. Every field is set as `ONHAND_<FIELD>`, but for those of `OUTSIDE`."""

    database_url: str = ""
    owner_database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    folder: str = ".run"
    pool_size: int = 8
    pool_timeout_seconds: float = 2.0
    statement_timeout_ms: int = 5_000
    lock_timeout_ms: int = 2_000
    idle_timeout_ms: int = 5_000
    log_format: str = "json"
    log_level: str = "info"
    password_cost: str = "full"  # noqa: S105 - a setting, not a secret
    safe_mode: bool = False
    rate_limit: str = ""
    secure_cookies: bool = True
    proxies: int = 0
    body_bytes_max: int = 4 * 1024 * 1024
    wait_seconds_max: float = 0.7
    hook_seconds_max: float = 10.0
    site_url: str = ""
    mail_folder: str = ""
    outgoing_hosts: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment.

        Raises UnknownSetting for an `ONHAND_` key that is no setting, BadSetting for a value that one cannot take.
        """
        environment = os.environ if environment is None else environment
        kinds = {field.name: type(field.default) for field in fields(cls)}
        found: dict[str, object] = {name: environment[key] for name, key in OUTSIDE.items() if environment.get(key)}
        for key, value in environment.items():
            if key.startswith("ONHAND_") and key not in TEST_ONLY:
                name = key.removeprefix("ONHAND_").lower()
                if name not in kinds or name in OUTSIDE:
                    raise UnknownSetting(_unknown(key, kinds.keys() - OUTSIDE.keys(), OUTSIDE.get(name)))
                found[name] = _parse(key, name, value, kinds[name])
        return cls(**found)  # type: ignore[arg-type]  # each field was read by its type

    @property
    def path(self) -> Path:
        """The folder of the embedded services."""
        return Path(self.folder).resolve()

    @property
    def mail_path(self) -> Path:
        """The folder that mails are written into, for a mail server to fetch."""
        return Path(self.mail_folder).resolve() if self.mail_folder else self.path / "mail"


def _unknown(key: str, names: Iterable[str], outside: str | None) -> str:
    if outside:
        return f"{key} is not a setting: it is called {outside}"
    known = sorted(f"ONHAND_{name.upper()}" for name in names)
    near = get_close_matches(key, known, 1)
    return f"{key} is not a setting" + (f"; {near[0]} is" if near else "") + f". Known: {', '.join(known)}"


def _parse(key: str, name: str, value: str, kind: type) -> object:
    try:
        if kind is bool:
            return {"1": True, "true": True, "0": False, "false": False, "": False}[value.lower()]
        parsed = kind(value)
    except (KeyError, ValueError):
        raise BadSetting(f"{key}={value!r} is not {KINDS[kind]}") from None
    if name in CHOICES and parsed not in CHOICES[name]:
        raise BadSetting(f"{key}={value!r} is not one of {', '.join(CHOICES[name])}")
    if name in LEAST and not LEAST[name] <= parsed < float("inf"):
        raise BadSetting(f"{key}={value!r} is not a number of {LEAST[name]} or more")
    return parsed

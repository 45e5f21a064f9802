"""Where clients find the services."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "postgres"
OWNER = "onhand_owner"
APP = "onhand_app"
DATABASE = "onhand"
PORT = 5432  # part of the name of the socket; said, so that PGPORT does not change it


@dataclass(frozen=True)
class Addresses:
    """Both services listen on unix sockets in one folder that only we may enter; there is no TCP and no password.

    They stay the same for the same folder, across restarts.
    """

    sockets: Path

    def url(self, user: str = APP, database: str = DATABASE) -> str:
        """A PostgreSQL address for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://{user}@:{PORT}/{database}?host={quote(str(self.sockets))}"

    def libpq(self, user: str = APP, database: str = DATABASE) -> str:
        """A PostgreSQL address for psycopg.connect, psql and pgbench."""
        return f"postgresql://{user}@:{PORT}/{database}?host={quote(str(self.sockets), safe='')}"

    @property
    def database_url(self) -> str:
        """The application's: can log in once its role was made by the migrations."""
        return self.url()

    @property
    def owner_database_url(self) -> str:
        """The owner's: for migrations only."""
        return self.url(OWNER)

    @property
    def superuser_url(self) -> str:
        """The superuser's, on the maintenance database: for tests that make databases or cut connections."""
        return self.url(SUPERUSER, "postgres")

    @property
    def redis_url(self) -> str:
        """For `redis.Redis.from_url`; Flask-Limiter wants `redis+` in front of it."""
        return f"unix://{quote(str(self.valkey_socket))}?db=0"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's socket."""
        return self.sockets / "valkey.sock"

    def environment(self) -> dict[str, str]:
        """The addresses as the environment of processes that use the services."""
        return {
            "DATABASE_URL": self.database_url,
            "ONHAND_OWNER_DATABASE_URL": self.owner_database_url,
            "REDIS_URL": self.redis_url,
        }

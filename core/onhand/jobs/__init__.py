"""Jobs: rows of PostgreSQL, written in the business transaction; Dramatiq on Redis only carries their ids.

Losing Redis costs seconds of delay and nothing else. Attempts are counted when a job is claimed, claims are leased
with a token, and what fails too often is parked with its error until a person looks.
"""

from onhand.jobs.actors import JobActor, actor
from onhand.jobs.draining import Drained, DrainOverdue, drain
from onhand.jobs.queue import enqueue
from onhand.jobs.setup import init_app

__all__ = ["DrainOverdue", "Drained", "JobActor", "actor", "drain", "enqueue", "init_app"]

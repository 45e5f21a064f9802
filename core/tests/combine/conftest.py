import sys
from pathlib import Path

SITE = str(Path(__file__).parents[1] / "jobs" / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

from jobs_site import probe_app, probe_services, site  # noqa: E402, F401

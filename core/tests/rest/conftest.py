import sys
from pathlib import Path

SITE = str(Path(__file__).parent.parent / "access" / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

from access_site import access_app, access_services, now_passes, site  # noqa: E402, F401

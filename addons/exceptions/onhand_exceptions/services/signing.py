"""The secrets that webhooks are signed with: made anew from the site's own whenever needed, so that none is kept."""

import hashlib
import hmac
import secrets
from base64 import b64encode

__all__ = ["new_salt", "secret_of"]

PREFIX = "whsec_"


def new_salt() -> str:
    """Return what makes a digest's secret differ from every other."""
    return secrets.token_hex(16)


def secret_of(site_secret: str, digest_id: int, salt: str) -> str:
    """Return the secret of a digest's webhook, as Standard Webhooks writes secrets."""
    said = f"exceptions.digest:{digest_id}:{salt}".encode()
    return PREFIX + b64encode(hmac.digest(site_secret.encode(), said, hashlib.sha256)).decode()

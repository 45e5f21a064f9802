"""The audit trail: who saw and changed what, when, why and under which policies; sealed so that tampering is found.

The ledger is the audit of stock; this holds the rest.
"""

from onhand.audit.models import Audit, Block
from onhand.audit.trail import record

__all__ = ["Audit", "Block", "record"]

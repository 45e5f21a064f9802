"""The verbs: take up evidence, check it again, work on what is open."""

from onhand_exceptions.services.acts import Acted, Undone, Wish, act, undo
from onhand_exceptions.services.checks import recheck
from onhand_exceptions.services.digests import (
    DigestRefused,
    NewDigest,
    end_digest,
    make_digest,
    mark_written,
    waiting,
    write_due,
)
from onhand_exceptions.services.escalating import escalate, wake
from onhand_exceptions.services.evidence import record, start
from onhand_exceptions.services.rules import adopt, rules_text, set_rules, would_own
from onhand_exceptions.services.saved import NamedView, ViewRefused, forget_view, save_view
from onhand_exceptions.services.snoozing import Snooze, snooze
from onhand_exceptions.services.tallying import tally
from onhand_exceptions.services.webhooks import (
    Call,
    begin_again,
    call_due,
    find_call,
    note_answer,
    reveal_secret,
)
from onhand_exceptions.services.work import (
    Assignment,
    Comment,
    Done,
    Refused,
    Resolution,
    assign,
    comment,
    resolve,
)

__all__ = [
    "Acted",
    "Assignment",
    "Call",
    "Comment",
    "DigestRefused",
    "Done",
    "NamedView",
    "NewDigest",
    "Refused",
    "Resolution",
    "Snooze",
    "Undone",
    "ViewRefused",
    "Wish",
    "act",
    "adopt",
    "assign",
    "begin_again",
    "call_due",
    "comment",
    "end_digest",
    "escalate",
    "find_call",
    "forget_view",
    "make_digest",
    "mark_written",
    "note_answer",
    "recheck",
    "record",
    "resolve",
    "reveal_secret",
    "rules_text",
    "save_view",
    "set_rules",
    "snooze",
    "start",
    "tally",
    "undo",
    "waiting",
    "wake",
    "would_own",
    "write_due",
]

"""What must hold of approvals (I13), counted by the database alone: a second opinion beside the verbs."""

from onhand.contributions import Invariant

__all__ = ["INVARIANTS"]

ENOUGH = """
SELECT approval.id, approval.title, jsonb_array_length(approval.steps) AS needed,
  count(DISTINCT consent.user_id) AS people,
  count(DISTINCT coalesce(consent.for_user_id, consent.user_id)) AS authorities
FROM onhand.approval
LEFT JOIN onhand.approval_activity AS consent ON consent.approval_id = approval.id
  AND consent.version = approval.version AND consent.verb = 'approved'
WHERE approval.status = 'approved'
GROUP BY approval.id, approval.title, approval.steps
HAVING count(DISTINCT consent.user_id) < jsonb_array_length(approval.steps)
  OR count(DISTINCT coalesce(consent.for_user_id, consent.user_id)) < jsonb_array_length(approval.steps)
"""
OTHERS = """
SELECT approval.id, approval.title, consent.actor_name
FROM onhand.approval
JOIN onhand.approval_activity AS consent ON consent.approval_id = approval.id AND consent.verb = 'approved'
WHERE approval.requester_user_id IN (consent.user_id, consent.for_user_id)
"""
INVARIANTS = [
    Invariant(
        code="I13",
        name="approved_by_enough_people",
        explains="What is approved has as many consents to its last version as its rules demand, each another person's.",
        sql=ENOUGH,
    ),
    Invariant(
        code="I13",
        name="nobody_approves_their_own",
        explains="No consent was given by whoever asked, nor with that person's authority.",
        sql=OTHERS,
    ),
]

"""Policies: business rules as typed, scoped, effective-dated rows. Verbs in `onhand.policies.services`."""

"""Reason codes: why stock was changed, in the same words in every entity. What add-ons use is in `api`."""

"""Approvals: what one person asks for and others must agree to before it takes effect. What add-ons use is in `api`."""

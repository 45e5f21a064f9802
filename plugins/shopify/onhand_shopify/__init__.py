"""Shopify: a shop's orders, fulfilments, refunds and numbers in, what may be sold there back."""

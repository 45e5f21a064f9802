"""Onhand's core: entities, transactions, jobs, policies, access, REST and the web shell. Knows no add-on."""

__version__ = "0.1.0"

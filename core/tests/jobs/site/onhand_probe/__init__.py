"""An add-on that leaves traces, for tests of outbox, jobs and combining."""

"""Lights that are lit and put out, for tests of the core's promises to add-ons."""

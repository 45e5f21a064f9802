"""Availability to promise, buffers, holds with time-to-live."""

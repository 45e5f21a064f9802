"""Channel registry, event intake, latency."""

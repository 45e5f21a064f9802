"""The crash run: a site under load and under fire, and a journal on the clients' side that it must agree with."""

"""A second observer, so that observers can be told apart."""

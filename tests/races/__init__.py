"""The race suite: who wins when many want the same thing at once, each beside a naive twin that loses it."""

"""The last unit of a fashion item, wanted by everybody at once: stories over a simulated shelf. See `__main__`."""

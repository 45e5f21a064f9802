"""What stands around a light: requires `lamp`."""

from onhand.jobs import actor


@actor(attempts=3)
def look_again(entities):
    """Look at every thing again. Twice is harmless: looking changes nothing."""

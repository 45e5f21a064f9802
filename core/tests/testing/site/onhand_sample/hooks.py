from onhand.hooks import guard


@guard
def may_note(session, names, now):
    """guard, before things are noted: return why not. Raising aborts the noting."""

"""A partner's add-on that feeds web shops: shops that count down, compare and set, forget nothing, or misbehave."""

from onhand_lamp.services import light, put_out

__all__ = ["light", "put_out"]

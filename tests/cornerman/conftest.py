from small_night import night_store

__all__ = ["night_store"]

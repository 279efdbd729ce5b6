"""The only room that knows SQL, Redis keys, object keys and the drivers' errors."""

"""What stands before every route; each is one ASGI application around the next."""

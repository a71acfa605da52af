"""Who asks: bearer tokens, keys, device tokens and browser sessions, and how people sign in."""

"""The routes of `/v1`, a subject a module: each asks a view, which bounds what is seen."""

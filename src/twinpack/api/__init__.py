"""The REST API, live events, identity and the web app's files, over a workspace."""

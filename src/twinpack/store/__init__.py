"""The workspace on disk: registry, lake, model artifacts, snapshots, audit."""

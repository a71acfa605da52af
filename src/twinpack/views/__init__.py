"""What people and other systems are shown of a workspace: read-only views, each bounded by who is looking."""

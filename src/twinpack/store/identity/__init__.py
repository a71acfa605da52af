"""Accounts, sign-ins, grants, keys and the audit log, as the registry keeps them."""

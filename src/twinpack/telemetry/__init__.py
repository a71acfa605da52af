"""The sample schema, batches, validation, import profiles and trips."""

"""The shapes of what is shown, as the API answers them and its OpenAPI describes them.

Units are in the names. One moment is text (RFC 3339, UTC); a column of moments is `time_ms`, whole milliseconds since
the epoch. Missing is null. A figure says how it is known: measured, estimated or forecast.
"""

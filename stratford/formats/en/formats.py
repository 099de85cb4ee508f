"""Dates as a trail is read: one width, sortable, without a.m. and p.m."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"

"""Compiled service reports: fourteen chapters from live records, for customers, suppliers and the owners of processes."""

"""Support-hours calendars turned into open time, business days and months."""

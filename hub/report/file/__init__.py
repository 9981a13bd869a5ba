"""The files beside a report's mail: one module a format, each a pure function from the report to bytes."""

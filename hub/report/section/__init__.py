"""The parts of a report: what stands in their lists, and how each is told."""

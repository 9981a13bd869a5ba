"""The plan of reports, the life of each, its archive, and how well the process does."""

"""Times, for people; never part of the tests. Run: make bench."""

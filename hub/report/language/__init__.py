"""The words of a report: one table a language, dates and numbers as its readers write them."""

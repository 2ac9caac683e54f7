"""A test as a page to look at, in one file: ``bike report``."""

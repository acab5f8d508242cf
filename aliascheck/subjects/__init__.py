"""Subjects: anything that can be audited. Each engine has a file of its own."""

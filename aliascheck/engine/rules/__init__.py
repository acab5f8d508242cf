"""Primitives with their rules, one file for each family."""

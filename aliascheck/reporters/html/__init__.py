"""The HTML report: one self-contained file, for reading from disk, without network and without scripts."""

from aliascheck.reporters.html.document import render

__all__ = ["render"]

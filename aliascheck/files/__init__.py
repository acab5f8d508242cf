"""Files that are written wholly or not at all."""

from aliascheck.files.report_file import report_file

__all__ = ["report_file"]

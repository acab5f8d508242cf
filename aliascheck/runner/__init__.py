"""Running case files: what is chosen, each audit carried out, everything put in one report."""

from aliascheck.runner.engines import run_on_engines
from aliascheck.runner.run import run_audit, run_cases
from aliascheck.runner.selection import Planned, Selection, plan

__all__ = ["Planned", "Selection", "plan", "run_audit", "run_cases", "run_on_engines"]

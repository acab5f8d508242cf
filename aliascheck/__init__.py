"""Audit gradients of models whose parameters share memory."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Params": "aliascheck.engine",
    "Report": "aliascheck.report",
    "assert_gradients": "aliascheck.api",
    "audit": "aliascheck.api",
    "gradient": "aliascheck.engine",
    "load_cases": "aliascheck.cases",
    "run_cases": "aliascheck.runner",
}

__all__ = [
    "Params",
    "Report",
    "__version__",
    "assert_gradients",
    "audit",
    "gradient",
    "load_cases",
    "run_cases",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aliascheck' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)

"""How and where a report was made."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from aliascheck import __version__
from aliascheck.report import AuditResult, Origin


def origin_of(audits: Sequence[AuditResult], started: datetime, seed: int | None) -> Origin:
    """The versions of all that took part in `audits`, and when they began."""
    ran = dict.fromkeys(audit.engine for audit in audits if audit.status in ("passed", "failed"))
    return Origin(
        started=started.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        python=platform.python_version(),
        numpy=np.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        engines={engine: _version_of(engine) for engine in ran},
        seed=seed,
    )


def _version_of(engine: str) -> str:
    if engine == "builtin":
        return __version__
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(engine)
    except PackageNotFoundError:  # importable, but not from a distribution of that name
        return ""

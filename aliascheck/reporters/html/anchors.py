"""Names by which results can be linked: `zygote-991/examples:5:builtin:implicit`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from aliascheck.report import AuditResult
from aliascheck.reporters.visible import visible

FOLDER = "cases/"
PLAIN_IN_LINKS = "/:=,~@+"


def anchor_of(audit: AuditResult) -> str:
    """The name of one result: file without first folder and suffix, id, engine, mode; no spaces."""
    file = audit.file.removeprefix(FOLDER).removesuffix(".toml")
    name = ":".join((file, audit.id, audit.engine, audit.mode))
    return re.sub(r"\s", "_", visible(name.replace(" ", "_")))


def name_results(audits: Iterable[AuditResult]) -> list[str]:
    """The anchor of each result; those that would be the same are told apart by `~2`, `~3`."""
    names: list[str] = []
    taken: set[str] = set()
    for audit in audits:
        anchor = plain = anchor_of(audit)
        number = 1
        while anchor in taken:
            number += 1
            anchor = f"{plain}~{number}"
        taken.add(anchor)
        names.append(anchor)
    return names


def link_to(anchor: str) -> str:
    """The address of an anchor within the page."""
    return "#" + quote(anchor, safe=PLAIN_IN_LINKS)

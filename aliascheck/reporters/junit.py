"""JUnit XML, for the test views of GitLab, Jenkins and their kin: a test case for each audit and mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aliascheck.report import AuditResult, FileError, FixedFinding, Report
from aliascheck.reporters.audit import full_lines
from aliascheck.reporters.concise import audit_texts
from aliascheck.reporters.layout import write
from aliascheck.reporters.page import Page
from aliascheck.reporters.words import (
    fixed_line,
    flat,
    headline,
    is_known,
    mode,
    skip_reason,
    unmet_line,
    unplaced,
)
from aliascheck.reporters.xml import Element, document

TABLE = Page(width=100)


def render(report: Report, page: Page) -> str:
    """A suite for each case file; what failed holds the concise text and the table."""
    files = dict.fromkeys(audit.file for audit in report.audits)
    audits = {file: [audit for audit in report.audits if audit.file == file] for file in files}
    cases = {file: [_audit(audit, report) for audit in some] for file, some in audits.items()}
    seconds = {file: sum(audit.seconds for audit in some) for file, some in audits.items()}
    for error in report.bad_files:
        cases.setdefault(error.file, []).append(_bad_file(error))
    for stale in report.fixed:
        if stale.fails:
            cases.setdefault(report.baseline or "baseline", []).append(_stale(stale))
    suites = [_suite(file, some, seconds.get(file, 0.0)) for file, some in sorted(cases.items())]
    everything = [case for some in cases.values() for case in some]
    counts = _counts(everything, report.summary.seconds)
    return document(Element("testsuites", {"name": report.tool.name, **counts}, suites))


def _suite(file: str, cases: list[Element], seconds: float) -> Element:
    return Element("testsuite", {"name": file, **_counts(cases, seconds), "file": file}, cases)


def _counts(cases: Sequence[Element], seconds: float) -> dict[str, str]:
    ends = [child.tag for case in cases for child in case.content if isinstance(child, Element)]
    return {
        "tests": str(len(cases)),
        "failures": str(ends.count("failure")),
        "errors": str(ends.count("error")),
        "skipped": str(ends.count("skipped")),
        "time": f"{seconds:.3f}",
    }


def _audit(audit: AuditResult, report: Report) -> Element:
    attributes = {
        "name": f"{audit.id} [{mode(audit)}]",
        "classname": _dotted(audit.file),
        "time": f"{audit.seconds:.3f}",
        "file": audit.file,
        **({"line": str(audit.line)} if audit.line > 0 else {}),
    }
    return Element("testcase", attributes, [_properties(audit), *_end(audit, report.summary.strict_skips)])


def _properties(audit: AuditResult) -> Element:
    facts = [
        ("title", audit.title),
        ("loss", audit.loss_text),
        *(("params", name) for name in audit.params),
        ("engine", audit.engine),
        ("mode", audit.mode),
        ("contract", audit.contract),
        ("key", audit.key),
        ("seed", str(audit.seed)),
        ("evaluations", str(audit.evaluations)),
        *(("finding", headline(finding)) for finding in audit.findings),
    ]
    given = [Element("property", {"name": name, "value": text}) for name, text in facts if text]
    return Element("properties", {}, given)


def _end(audit: AuditResult, strict_skips: bool) -> Iterator[Element]:
    """How the audit ended; a result as expected says what it shows, if anything."""
    if audit.status == "skipped" and strict_skips:
        yield Element("error", {"type": "skipped", "message": skip_reason(audit)})
    elif audit.status == "skipped":
        yield Element("skipped", {"message": skip_reason(audit)})
    elif audit.status == "error":
        yield Element("error", {"type": "error", "message": flat(audit.error or "")}, _text(audit))
    elif audit.status == "failed":
        kind = "unmet" if audit.unmet else "finding"
        yield Element("failure", {"type": kind, "message": _reason(audit)}, _text(audit))
    elif audit.findings:
        yield Element("system-out", {}, _text(audit))


def _reason(audit: AuditResult) -> str:
    said = [headline(finding) for finding in audit.findings if not is_known(finding)]
    said += [unmet_line(unmet) for unmet in audit.unmet if unmet.baseline != "known"]
    return "; ".join(said) or "findings that fail the run"


def _text(audit: AuditResult) -> str:
    lines = [TABLE.show(text) for text in audit_texts(audit)]
    return "\n".join(lines) + "\n\n" + write(full_lines(audit, TABLE, 0), TABLE)


def _bad_file(error: FileError) -> Element:
    attributes = {"name": "case file", "classname": _dotted(error.file), "time": "0.000", "file": error.file}
    if error.line is not None:
        attributes["line"] = str(error.line)
    shown = "\n".join(TABLE.show(text) for text in error.message.splitlines())
    return Element(
        "testcase",
        attributes,
        [Element("error", {"type": "bad case file", "message": flat(unplaced(error))}, shown)],
    )


def _stale(finding: FixedFinding) -> Element:
    attributes = {"name": fixed_line(finding), "classname": "baseline", "time": "0.000"}
    failure = Element("failure", {"type": "fixed", "message": "in the baseline, and gone: take it out"})
    return Element("testcase", attributes, [failure])


def _dotted(file: str) -> str:
    """A file's name as that of a class: `cases.views.strided`."""
    return file.removesuffix(".toml").strip("./").replace("/", ".")

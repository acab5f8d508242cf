"""One audit: from a subject to its findings."""

from aliascheck.audit.conduct import audit
from aliascheck.audit.outcome import GroupOutcome, Outcome, Settings, SlotOutcome

__all__ = ["GroupOutcome", "Outcome", "Settings", "SlotOutcome", "audit"]

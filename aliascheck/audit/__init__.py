"""One audit: from a subject to its findings."""

from aliascheck.audit.conduct import audit
from aliascheck.audit.outcome import GroupOutcome, Outcome, Settings, SlotOutcome
from aliascheck.audit.truths import Known

__all__ = ["GroupOutcome", "Known", "Outcome", "Settings", "SlotOutcome", "audit"]

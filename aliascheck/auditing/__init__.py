"""One audit: from a subject to its findings."""

from aliascheck.auditing.conduct import audit
from aliascheck.auditing.coverage import Coverage
from aliascheck.auditing.outcome import GroupOutcome, Outcome, SlotOutcome
from aliascheck.auditing.settings import Settings
from aliascheck.auditing.truths import Known

__all__ = ["Coverage", "GroupOutcome", "Known", "Outcome", "Settings", "SlotOutcome", "audit"]

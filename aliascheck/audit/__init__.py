"""One audit: from a subject to its findings."""

from aliascheck.audit.conduct import audit
from aliascheck.audit.coverage import Coverage
from aliascheck.audit.outcome import GroupOutcome, Outcome, SlotOutcome
from aliascheck.audit.settings import Settings
from aliascheck.audit.truths import Known

__all__ = ["Coverage", "GroupOutcome", "Known", "Outcome", "Settings", "SlotOutcome", "audit"]

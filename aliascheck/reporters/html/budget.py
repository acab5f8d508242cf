"""What a large report draws and unfolds, so that it stays small and opens at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aliascheck.reporters.html.outline import Block, File

AUDITS = 200  # that are unfolded, and that have pictures unless all are asked for


@dataclass(frozen=True)
class Budget:
    """The audits that have pictures and those that are unfolded, each by the anchor of its first result."""

    drawn: frozenset[str]
    unfolded: frozenset[str]

    def draws(self, block: Block) -> bool:
        """Whether an audit has its pictures."""
        return block.anchor in self.drawn

    def unfolds(self, block: Block) -> bool:
        """Whether an audit is unfolded as the page opens."""
        return block.anchor in self.unfolded

    def leaves_out(self, block: Block) -> bool:
        """Whether an audit has findings or failed, and no pictures for want of room."""
        return _deserves_pictures(block) and not self.draws(block)


def budget_of(files: Sequence[File], detail: int) -> Budget:
    """Pictures for the first audits that failed, then for those with findings; for all with `detail`."""
    blocks = [block for file in files for block in file.blocks]
    failed = [block.anchor for block in blocks if block.needs_attention]
    found = [block.anchor for block in blocks if _deserves_pictures(block) and not block.needs_attention]
    drawn = [block.anchor for block in blocks] if detail > 0 else [*failed, *found][:AUDITS]
    return Budget(frozenset(drawn), frozenset(failed[:AUDITS]))


def _deserves_pictures(block: Block) -> bool:
    return block.state not in ("clean", "skipped")

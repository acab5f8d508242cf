"""Verdicts: from measured numbers to whose contribution a gradient holds, and what is wrong with it."""

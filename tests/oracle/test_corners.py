"""Kinks by their distance from the point: named, or stepped over, and never wrong with confidence."""

from __future__ import annotations

import pytest

from tests.oracle.corners import DISTANCES, see_kinks


@pytest.mark.parametrize("distance", DISTANCES)
def test_kink_is_never_wrong_with_confidence(distance: float) -> None:
    seen = list(see_kinks(distance, 120 if distance > 1e-7 else 400, seed=71))
    assert not [one for one in seen if one.wrong_and_confident]
    if distance <= 1e-8:
        assert all(one.is_kink for one in seen)
    if distance >= 1e-6:
        assert not any(one.is_kink for one in seen)
        assert all(one.estimate.status.bounded for one in seen)

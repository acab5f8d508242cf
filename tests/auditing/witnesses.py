"""Complex steps that cannot be had, and such that lie once they have been believed."""

from __future__ import annotations

from collections import Counter

from tests.auditing.spoilt import Spoilt


class Blind(Spoilt):
    """A program without complex numbers."""

    def analytic(self):
        return None


class Lying(Spoilt):
    """A program whose complex loss is right along the first direction of each series, then off."""

    factor = 1.001

    def analytic(self):
        self.asked = Counter()
        return self

    def _told(self, key, value):
        self.asked[key] += 1
        return value if self.asked[key] == 1 else complex(value.real, self.factor * value.imag)

    def complex_loss_reading(self, access, private):
        return self._told(access, super().complex_loss_reading(access, private))

    def complex_twin(self, arrays):
        twin = super().complex_twin(arrays)
        loss, key = twin.loss, object()
        twin.loss = lambda: self._told(key, loss())
        return twin

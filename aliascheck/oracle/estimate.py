"""What a finite difference found: a derivative or two one-sided slopes, and a bound on the error."""

from __future__ import annotations

from enum import StrEnum

from aliascheck.memory import Data, replace


class Status(StrEnum):
    """The shape of the loss at the point, as far as its values tell."""

    OK = "ok"
    NOISY = "noisy"
    QUANTISED = "quantised"
    KINK = "kink"
    JUMP = "jump"
    SINGULAR = "singular"
    NONFINITE = "nonfinite"

    @property
    def bounded(self) -> bool:
        """Whether an estimate encloses the derivative, and does not only say why there is none."""
        return self in _BOUNDED


_BOUNDED = frozenset({Status.OK, Status.NOISY, Status.QUANTISED, Status.KINK})


class Estimate(Data, frozen=True):
    """A directional derivative with a bound on its error.

    `value` +- `bound` holds the derivative. At a kink `left` <= `right` are the two one-sided slopes in
    order of size, each +- `bound`, and `value` is their mean; elsewhere both equal `value`. The bound of
    a status that is not `bounded` is infinite. NOISY and QUANTISED are OK with a reservation: the loss
    shows noise well above its rounding or above what the caller declared, and the bound allows for it.
    """

    value: float
    bound: float
    status: Status
    left: float
    right: float
    evaluations: int
    note: str = ""

    @property
    def low(self) -> float:
        """The smallest derivative that the evidence admits."""
        return self.left - self.bound

    @property
    def high(self) -> float:
        """The largest derivative that the evidence admits."""
        return self.right + self.bound

    def scaled(self, factor: float) -> Estimate:
        """The estimate for a direction that is a positive `factor` times as long."""
        return replace(
            self,
            value=self.value * factor,
            bound=self.bound * factor,
            left=self.left * factor,
            right=self.right * factor,
        )

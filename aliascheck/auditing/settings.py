"""What is asked of an audit."""

from __future__ import annotations

from aliascheck.auditing.groups import Effort
from aliascheck.memory import DIRECTIONS, Data, Path


class Settings(Data, frozen=True, eq=False):
    """How an audit is carried out. `stops`: "constant" replays stopped values, "report" judges them."""

    contract: str = "sum"
    stops: str = "constant"
    rtol: float = 0.0
    atol: float = 0.0
    seed: int = 0
    probes: int = DIRECTIONS
    thorough: bool = False
    ties: tuple[tuple[Path, ...], ...] = ()

    @property
    def effort(self) -> Effort:
        """How closely groups are looked at."""
        return Effort(self.seed, self.probes, self.thorough)

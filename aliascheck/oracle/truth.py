"""What the derivative of a loss is along memory and along each access, measured by finite differences.

Moving memory moves every view of it; moving a private copy moves what one access reads. No derivative of
an engine is used here. The oracle shares the primal with an engine, never a derivative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from aliascheck.memory import CellMap, Data, Path, Probe, Probes, signed_uniform
from aliascheck.oracle.estimate import Estimate, Status
from aliascheck.oracle.measured import Measured, collect, in_memory
from aliascheck.oracle.noise import noise_level
from aliascheck.oracle.oracle import AccessView, Loss, Oracle
from aliascheck.oracle.perturbation import MemoryBlock
from aliascheck.oracle.series import Series, steps_of_access, steps_of_memory
from aliascheck.oracle.stencil import FIRST_STEP

SMALL = 256  # cells: of so few, one is a good part of all


class Truth(Data, frozen=True, eq=False):
    """What one group's finite differences are; `witnessed` where complex steps stand in for some of them.

    `total` and `effects[access]` (the path derivative, scattered into memory) are in probes;
    `paths[access]` is in the shape of the access, None where the group is too large for that.
    """

    total: Measured
    effects: dict[Path, Measured]
    paths: dict[Path, Measured | None]
    witnessed: bool = False


def measure_noise(loss: Loss, blocks: Sequence[MemoryBlock], base: float) -> tuple[float, int]:
    """The noise of a loss along one dense direction of all memory, and the evaluations it took."""
    oracle = Oracle(loss, lambda access, private: loss(), base)
    moves = [(block, signed_uniform(block.size, (0, 0)), block.scale) for block in blocks]
    with oracle.moving_memory(moves) as phi:
        return noise_level(phi, base), oracle.evaluations


def measure_truth(
    oracle: Oracle, block: MemoryBlock, cells: CellMap, probes: Probes, accesses: Sequence[AccessView]
) -> Truth:
    """Measure a group's total derivative and the path derivative of each access.

    The memory is the same afterwards, bit by bit, whatever the loss does.
    """
    if probes.exact:
        total = collect([measure_total(oracle, block, probe) for probe in probes.items])
        by_element = {access.path: _measure_elements(oracle, access, block.scale) for access in accesses}
        effects = {
            access.path: in_memory(by_element[access.path], cells.of(access.array), probes.size)
            for access in accesses
        }
        return Truth(total, effects, dict(by_element))
    along_memory = Series(partial(measure_total, oracle, block), steps_of_memory(oracle, block))
    total = collect(along_memory.over(probes))
    spoken_for = along_memory.witnessed
    effects = {}
    for access in accesses:
        difference = partial(measure_path, oracle, block, cells, access)
        along_access = Series(difference, steps_of_access(oracle, block, cells, access))
        effects[access.path] = collect(along_access.over(probes))
        spoken_for |= along_access.witnessed
    return Truth(total, effects, dict.fromkeys(effects), spoken_for)


def measure_total(oracle: Oracle, block: MemoryBlock, probe: Probe) -> Estimate:
    """The derivative of the loss along a probe, by moving the memory itself."""
    scale = block.scale
    with oracle.moving_memory([(block, probe.direction(block.size), scale)]) as phi:
        return oracle.slope(phi, _step_along(probe, block)).scaled(1.0 / scale)


def measure_path(
    oracle: Oracle, block: MemoryBlock, cells: CellMap, access: AccessView, probe: Probe
) -> Estimate:
    """The derivative of the loss along a probe, by moving what one access reads of it."""
    direction = cells.show(probe.direction(block.size), access.array)
    if not direction.any():
        return _ZERO
    scale = block.scale
    with oracle.moving_access(access, direction, scale) as phi:
        return oracle.slope(phi, _step_along(probe, block)).scaled(1.0 / scale)


def _step_along(probe: Probe, block: MemoryBlock) -> float:
    return FIRST_STEP if block.size <= SMALL else first_step(len(probe.weights), block.size)


def first_step(moving: int, size: int) -> float:
    """Steps may be longer where few of the cells move: the loss bends less.

    Source: measured on tied models of 1e3 to 1e7 cells.
    """
    return FIRST_STEP * min(64.0, 2.0 ** math.floor(math.log2(size / moving) / 2))


def _measure_elements(oracle: Oracle, access: AccessView, scale: float) -> Measured:
    """The path derivative of one access at each of its elements. Shapes: as the access."""
    elements = []
    for place in np.ndindex(access.array.shape):
        unit = np.zeros(access.array.shape)
        unit[place] = 1.0
        with oracle.moving_access(access, unit, scale) as phi:
            elements.append(oracle.slope(phi).scaled(1.0 / scale))
    return collect(elements, access.array.shape)


_ZERO = Estimate(0.0, 0.0, Status.OK, 0.0, 0.0, 0)

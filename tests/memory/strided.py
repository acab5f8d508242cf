"""Random arrays and random strided views of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided


@st.composite
def windows(draw: st.DrawFn, memory: np.ndarray, most_axes: int = 3) -> np.ndarray:
    """Any strided window inside a vector: stride 0, negative strides, overlaps, no axis, no element."""
    start = draw(st.integers(0, memory.size - 1))
    low = high = start
    shape, strides = [], []
    for _ in range(draw(st.integers(0, most_axes))):
        extent = draw(st.integers(0, 4))
        reach = max(extent - 1, 1)
        stride = draw(st.integers(-(low // reach), (memory.size - 1 - high) // reach))
        low += min(0, (extent - 1) * stride) if extent else 0
        high += max(0, (extent - 1) * stride) if extent else 0
        shape.append(extent)
        strides.append(stride * memory.itemsize)
    return as_strided(memory[start:], tuple(shape), tuple(strides))


@st.composite
def views_of_one_memory(draw: st.DrawFn, most: int = 4) -> tuple[np.ndarray, list[np.ndarray]]:
    """A vector, and some windows on it."""
    memory = np.arange(float(draw(st.integers(1, 30))))
    return memory, draw(st.lists(windows(memory), min_size=1, max_size=most))


def address(array: np.ndarray, index: tuple[int, ...]) -> int:
    """The address of one element, found by asking for a window of that element alone."""
    sliced = array[tuple(slice(i, i + 1) for i in index)] if index else array
    return int(sliced.__array_interface__["data"][0])


def address_table(array: np.ndarray) -> Any:
    """The address of every element, one by one."""
    table = np.zeros(array.shape, np.intp)
    for index in np.ndindex(*array.shape):
        table[index] = address(array, index)
    return table

"""The facts of engine.md, each run; those that are none of Python's, each with its reason."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.conformance import (
    facts_arrays,
    facts_entries,
    facts_explicit,
    facts_numbers,
    facts_python,
    facts_rules,
    facts_seed,
    facts_sets,
)
from tests.conformance.fact import Fact, Loss

MODULES = (
    *(facts_seed, facts_sets, facts_explicit, facts_arrays),
    *(facts_rules, facts_python, facts_entries, facts_numbers),
)
FACTS: list[Fact] = list(chain.from_iterable(module.FACTS for module in MODULES))

OUT_OF_SCOPE = {
    "X3": "complex numbers: parameters and losses are real",
    "X43": "Julia's getproperty overloaded for a type: fields of a record are what it holds",
    "X45": "as X43, with a rule of its own for a type's getproperty",
    "X51": "try and catch in Julia's intermediate code: Python's own are not differentiated but run",
    "R29": "a gradient of second order",
}

# Every id of engine.md, sections 2 and 4a to 4d: the seed's are complete, of the others the odd ones.
LAST_ODD = {"E": 19, "P": 15, "G": 13, "J": 1, "I": 17, "A": 1, "X": 53, "R": 53}
IDS = {f"S{number}" for number in range(1, 12)}
IDS |= {f"{section}{number}" for section, last in LAST_ODD.items() for number in range(1, last + 1, 2)}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_fact(fact):
    fact.check()


def test_every_fact_runs_or_has_a_reason():
    names = [fact.id for fact in FACTS]
    assert len(names) == len(set(names))
    running = {fact.id.split()[0] for fact in FACTS if fact.id[0] in "SEPGJIAXR"}
    assert running.isdisjoint(OUT_OF_SCOPE)
    assert running | OUT_OF_SCOPE.keys() == IDS
    assert len(IDS) == 101 and len(running) >= 80
    assert all(OUT_OF_SCOPE.values())


def test_every_fact_expects_something():
    for fact in FACTS:
        if isinstance(fact, Loss):
            assert (fact.implicit, fact.explicit, fact.error) != (None, None, None), fact.id


def test_beyond_the_list():
    """Facts that follow from the rules of section 1, by the number of their rule."""
    assert sum(fact.id[0] == "1" for fact in FACTS) >= 40

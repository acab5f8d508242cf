"""Where a reported matrix of numbers differs from the derivative, in few derivatives whatever its size.

Everything is asked along one random direction, restricted to regions of the matrix: a region is wrong where
that differs by more than its bound. Two coded directions tell the place of a lone fault at once; otherwise
halving finds one wrong element, and what is wrong around it is grown to a rectangle, tried at its corners
and at random. What was found is masked, and the search goes on along a fresh direction, until nothing is
left that shows. That last measurement is the proof that the places found are all there are.
"""

from __future__ import annotations

from aliascheck.oracle.blocks import Block, edges, element
from aliascheck.oracle.coding import narrow
from aliascheck.oracle.conclusion import Kind, Location, conclude, give_up, is_dense
from aliascheck.oracle.halving import descend, scatter
from aliascheck.oracle.readings import Node, Reading, Residual
from aliascheck.oracle.rectangles import grow, take
from aliascheck.oracle.solidity import is_grain, is_solid
from aliascheck.oracle.survey import Survey
from aliascheck.oracle.suspects import Mask, convict

SMALL = 64  # elements: a matrix no larger is asked element by element
MOST_PIECES = 64
CHECKS = 2
SAMPLES = 6
MORE_SAMPLES = 24
SCATTERED = 0.25  # of MORE_SAMPLES: where no shape is seen, so much is wrong throughout
MOST_GRAINS = 8
MOST_DERIVATIVES = 640  # 64 places of 8 residuals each, and what is asked around them


def localise(
    residual: Residual,
    shape: tuple[int, int],
    scale: float,
    seed: int,
    *,
    checks: int = CHECKS,
    most: int = MOST_PIECES,
    suspects: Mask | None = None,
) -> Location:
    """Where the matrix that `residual` measures is wrong.

    `scale` is the size of a step that suits the loss: the root mean square of the memory. What is right is
    measured along `checks` directions. The search gives up at more than `most` places, or after 640
    residuals. `suspects` are elements that are tried together where what is wrong is no single
    place.

    Units: 7 residuals for a lone element that is well above the bound, 16 for a lone row or column, 50 to
    120 for a rectangle, 8 for each of several elements, 15 for a matrix that is wrong throughout. Nothing
    grows with the matrix but the logarithm of its size.
    """
    survey = Survey(residual, shape, scale, seed)
    if not survey.whole.size:
        return Location(Kind.NONE, (), (), (), (), True, None, 0)
    while True:
        rest = survey.read_rest(checks)
        if not rest.wrong:
            return conclude(survey, complete=rest.decided)
        ending = search(survey, rest, most, suspects)
        if ending is not None:
            return ending


def search(survey: Survey, rest: Reading, most: int, suspects: Mask | None) -> Location | None:
    """Find something that is wrong and mask it; or, where the search has to end, where it does."""
    before = len(survey.pieces)
    if before > most or survey.derivatives > MOST_DERIVATIVES:
        return give_up(survey, [survey.whole])
    if survey.whole.size <= SMALL:
        search_small(survey)
        return None if len(survey.pieces) > before else give_up(survey, [survey.whole])
    root = narrow(survey, Node(survey.whole, rest, False))
    if root.region != survey.whole and is_solid(survey, root.region):
        survey.add(root.region)
        return None
    if suspects is not None and convict(survey, suspects):
        return conclude(survey, complete=True, in_lines=True)
    if not before and root.region == survey.whole:
        ending = look_around(survey)
        if ending is not None or survey.pieces:
            return ending
    left = search_sparse(survey, root, most)
    too_many = len(left) + len(survey.pieces) > most or survey.grains > MOST_GRAINS
    if len(survey.pieces) == before or too_many:
        return give_up(survey, left or [root.region])
    return give_up(survey, left, Kind.DENSE) if is_dense(survey, survey.pieces) else None


def search_small(survey: Survey) -> None:
    """Ask for every element."""
    for cell in survey.whole.cells():
        if not survey.found[cell] and survey.is_wrong(element(*cell)):
            survey.add(element(*cell))


def look_around(survey: Survey) -> Location | None:
    """Try some elements at random: a matrix that is wrong throughout shows at once."""
    hits = survey.sample(SAMPLES // 2)
    if not hits:
        return None
    hits += survey.sample(SAMPLES - SAMPLES // 2)
    if len(hits) >= SAMPLES - 1 and all(survey.is_wrong(edge) for edge in edges(survey.whole)):
        return give_up(survey, [survey.whole], Kind.DENSE)
    grown = grow(survey, *hits[0])
    if len(hits) > 1 and is_grain(survey, grown):
        hits += survey.sample(MORE_SAMPLES - SAMPLES)
        elsewhere = [hit for hit in hits if not grown.holds(hit)]
        if len(elsewhere) >= SCATTERED * MORE_SAMPLES:
            return give_up(survey, [survey.whole], Kind.DENSE)
    survey.add(grown)
    return None


def search_sparse(survey: Survey, root: Node, most: int) -> list[Block]:
    """Find one wrong element by halving. Grow it, or, if it stands alone, find the others.

    The regions that are left are those of `scatter`.
    """
    stack = [root]
    first = descend(survey, stack)
    if first is None:
        return scatter(survey, stack, most)
    return scatter(survey, stack, most) if take(survey, first).is_element else []

"""The catalogue: every finding once, with what it demands, what it says and what to do about it.

`DECISIONS` stands in the order in which findings are looked for. Codes are stable: CI gates and
baselines refer to them.
"""

from __future__ import annotations

from typing import Final, Literal

from aliascheck.memory import Data
from aliascheck.verdicts import rules

Severity = Literal["error", "warning", "info"]


class Row(Data, frozen=True):
    """One finding. `says` and `do` are filled with the names and numbers of the audit.

    `word` is the verdict word of a slot that has the finding, `when` the rule that looks for it at an
    alias group; findings about a whole audit have none.
    """

    code: str
    name: str
    severity: Severity
    meaning: str
    says: str
    do: str
    example: str = ""
    word: str | None = None
    when: rules.Rule | None = None


AC101 = Row(
    "AC101",
    "nothing",
    "error",
    "The slot's own path derivative is not zero, and it got nothing (or zero).",
    "the loss reads {accesses}, and {absence} was reported{elsewhere}",
    "put the object that the loss reads in the set, keep only one name of it, or use explicit mode",
    'x = [1.0], xt = "adjoint(x)", loss "sum(xt.parent * x)", params ["x", "xt"], implicit mode',
    "nothing",
    rules.owns_a_path_but_got_nothing,
)
AC101_STOPPED = Row(
    AC101.code,
    AC101.name,
    AC101.severity,
    AC101.meaning,
    "the gradient of all that the loss reads of it is stopped on the way ({accesses}), and {absence} was "
    "reported",
    "{add_or_read}",
    word="nothing",
    when=rules.all_that_it_owns_is_stopped,
)
AC102 = Row(
    "AC102",
    "misplaced",
    "error",
    "The slot holds what belongs to another slot, which does not have it.",
    "it holds {accesses}'s contribution{share}, which belongs to {other}",
    "add it to {other}'s gradient{or_else}",
    'x = [1.0], xt = "adjoint(x)", loss "sum(xt.parent * x)", params ["x", "xt"], implicit mode',
    "misplaced",
    rules.holds_what_belongs_elsewhere,
)
AC103 = Row(
    "AC103",
    "partial",
    "error",
    "A contribution that the contract demands here is missing: from every slot (sum, owner), or from this "
    "one (each).",
    "{share_missing} arrives through {accesses} and is missing ({cause}){elsewhere}",
    "{add_or_read}",
    'x = [1.0], xt = "adjoint(x)", loss "sum(xt * x)", params ["x"]',
    "partial",
    rules.a_contribution_is_lost,
)
AC103_UNLISTED = Row(
    AC103.code,
    AC103.name,
    AC103.severity,
    AC103.meaning,
    "moving the memory moves the loss by more than all listed accesses do: an unlisted reader's "
    "contribution is missing",
    "find what reads this memory without being part of the model: a captured tensor, a view, a cache",
    word="partial",
    when=rules.an_unlisted_reader_is_lost,
)
AC104 = Row(
    "AC104",
    "double",
    "error",
    "A contribution is counted more than once over the set.",
    "{accesses}'s contribution is counted {times}",
    "credit each access once: drop the copy, or make it the only holder (contract owner)",
    "an engine that gives each of two tied slots the total derivative",
    "double",
    rules.holds_a_contribution_several_times,
)
AC104_COPY = Row(
    AC104.code,
    AC104.name,
    AC104.severity,
    AC104.meaning,
    "{accesses}'s contribution is here and in {other} as well",
    AC104.do,
    word="double",
    when=rules.holds_a_copy,
)
AC105 = Row(
    "AC105",
    "wrong",
    "error",
    "The slot holds a value that no attribution explains.",
    "what it holds of {accesses} is wrong{where}",
    "check the derivative rules that {accesses} passes through: no counting of contributions explains it",
    "a rule with a missing transpose, a flipped sign, or one element off",
    "wrong",
    rules.holds_what_nothing_explains,
)
AC106 = Row(
    "AC106",
    "structural",
    "warning",
    "A structural container was reported where the slot is an array.",
    "a structural value (parent = ...) was reported for an array of shape {shape}",
    "optimisers cannot step with it: read {slot} itself in the loss, or take the field out",
    'x = [1.0], xt = "adjoint(x)", loss "sum(xt.parent * x)", params ["xt"]',
    None,
    rules.is_structural,
)
AC107 = Row(
    "AC107",
    "nonfinite",
    "error",
    "The gradient is not-a-number or infinite, while the loss is finite.",
    "{where}",
    "look for sqrt, log, division or norm at zero, and for overflow in the backward pass",
    'x = [0.0, 4.0], loss "sum(sqrt(x))"',
    "nonfinite",
    rules.is_not_finite,
)
AC108 = Row(
    "AC108",
    "shape",
    "error",
    "The gradient's shape is not the slot's.",
    "{where}",
    "the rule that made it forgets a reduction over broadcast axes, or a transpose",
    "an engine that reports a (1, n) gradient for an (n,) parameter",
    "shape",
    rules.has_another_shape,
)
AC109 = Row(
    "AC109",
    "failed",
    "error",
    "The engine raised where the loss evaluates.",
    "the loss evaluates, and the engine failed: {where}",
    "read each value in one way only, as an array or through its fields; or use the other mode",
    'x = [1.0], xt = "adjoint(x)", loss "sum(xt * xt.parent)", params ["xt"]',
)
AC201 = Row(
    "AC201",
    "kink",
    "info",
    "The loss has a kink here; a gradient between the one-sided derivatives is accepted.",
    "the loss has a kink here, and any value between the one-sided derivatives is accepted",
    "move the memory off the kink if the exact value matters",
    'x = [0.0, 1.0], loss "sum(relu(x))"',
    "kink",
    rules.has_a_kink,
)
AC202 = Row(
    "AC202",
    "noisy",
    "warning",
    "The loss does not repeat, or its noise hides the derivative.",
    "evaluating the loss again gave another value: {where}",
    "fix the seed of what is random in the loss",
    "dropout without a seed",
)
AC202_NOISE = Row(
    AC202.code,
    AC202.name,
    AC202.severity,
    AC202.meaning,
    "the loss has noise that hides the derivative at {where}",
    "compute the loss in float64, and without rounding its result",
    word="noisy",
    when=rules.noise_hides_it,
)
AC203 = Row(
    "AC203",
    "mutates",
    "error",
    "Evaluating the loss changes the memory of a slot, or of a place that shares cells with one.",
    "evaluating the loss changed {where}",
    "make the loss a pure function of its memory",
    "an embedding with max_norm, which rewrites its weight when it is read",
)
AC204 = Row(
    "AC204",
    "law",
    "error",
    "The paths do not add up to the total derivative, and no unlisted reader explains it.",
    "the derivatives of {accesses} do not add up to what moving the memory does (off by {gap})",
    "report this: either the loss is not a function of its memory, or the auditor is wrong",
    "a loss that depends on the address or the identity of an array",
)
AC205 = Row(
    "AC205",
    "ambiguous",
    "warning",
    "Several attributions fit, and gates could not tell them apart.",
    "its value is explained by more than one attribution: {where}",
    "remove what makes the engine non-linear (clipping, hooks, deduplication by value), or change the data",
    "an engine that clips gradients, on sum(xt * x)",
    "ambiguous",
    rules.fits_several_attributions,
)
AC206 = Row(
    "AC206",
    "undecided",
    "warning",
    "The oracle cannot resolve the derivative here.",
    "the finite difference is too uncertain here to judge by",
    "look at the scale of the loss, at jumps and at the edge of its domain near this point",
    'x = [0.0], loss "sum(sqrt(abs(x)))"',
    "undecided",
    rules.the_oracle_cannot_resolve_it,
)
AC301 = Row(
    "AC301",
    "optimizer",
    "warning",
    "A training step under a named optimiser moves the shared memory wrongly.",
    "under {where} the shared memory drifts from that of a single parameter",
    "let one slot own the memory",
)
AC302 = Row(
    "AC302",
    "untied",
    "error",
    "Places that the case declares tied do not share memory.",
    "{where}",
    "tie them again: assign one object to both names, or a view of it",
    'w = [1.0], v = "copy(w)", ties = [["w", "v"]]',
)

CATALOGUE: Final = (
    AC101,
    AC102,
    AC103,
    AC104,
    AC105,
    AC106,
    AC107,
    AC108,
    AC109,
    AC201,
    AC202,
    AC203,
    AC204,
    AC205,
    AC206,
    AC301,
    AC302,
)

DECISIONS: Final = (
    AC108,
    AC107,
    AC106,
    AC105,
    AC101,
    AC101_STOPPED,
    AC103,
    AC103_UNLISTED,
    AC104,
    AC104_COPY,
    AC102,
    AC205,
    AC202_NOISE,
    AC206,
    AC201,
)

FAULT_WORDS: Final = (
    "shape",
    "nonfinite",
    "wrong",
    "nothing",
    "misplaced",
    "double",
    "partial",
    "ambiguous",
    "undecided",
    "noisy",
    "kink",
)

WORDS: Final = {
    "failed": "the engine raised: there is no gradient",
    "shape": "the gradient's shape is not the slot's (AC108)",
    "nonfinite": "the gradient is not-a-number or infinite (AC107)",
    "wrong": "the slot holds a value that no attribution explains (AC105)",
    "nothing": "the slot's own path has a derivative, and it got nothing or zero (AC101)",
    "misplaced": "the slot holds what belongs to another slot, which does not have it (AC102)",
    "double": "the slot holds a contribution that is counted more than once (AC104)",
    "partial": "a contribution that belongs here is missing (AC103), or stands elsewhere",
    "ambiguous": "several attributions fit its value (AC205)",
    "undecided": "the oracle cannot resolve the derivative (AC206)",
    "noisy": "the loss does not repeat (AC202)",
    "kink": "the loss has a kink here, and the gradient lies between the one-sided derivatives (AC201)",
    "total": "every access that touches its cells is in it, once: the derivative with respect to the memory",
    "split": "its own contribution is in it, the others stand in other slots: their sum is the derivative "
    "with respect to the memory",
    "unused": "nothing is in it, and it owns nothing that is not zero",
}

TOPICS: Final = {
    "path and total": """\
When memory is shared, "the" finite difference is two different things. The path derivative moves one
access alone: it reads a private copy, and every other name keeps the old memory. The total derivative
moves the memory itself: all aliases move. All paths of a group add up to the total, and the two are
measured independently, so this law is checked on every audit.""",
    "gates": """\
Numbers alone cannot tell whose contribution a gradient holds: in sum(xt * x) both accesses have the same
path derivative at every memory. A gate sits on the edge from a value read at an access into the first
operation that consumes it, and multiplies what comes back by a factor. With one gate open and all others
closed, what a slot reports is exactly what that access contributed to it. Four checks guard the reading:
gates at 1 change nothing, contributions add up to the gradient, the gradient is linear in generic gates,
and with all gates closed nothing remains.""",
    "contracts": """\
The same numbers are right for one update loop and wrong for another. Under `sum` every slot steps on the
shared memory in place, or an optimiser adds the copies up first: a contribution must be somewhere, once.
Under `each` every slot is replaced by its own updated copy: each must hold the whole derivative of its
cells. Under `owner` one slot holds everything, as Adam and its kin need.""",
    "limitations": """\
The bundled engine keeps the implicit mode's historical accounting, since auditing it is the point, and
differs where the original has a plain defect or a type system that Python lacks:

- A pullback may be called any number of times; earlier gradients are never changed, the entries of
  globals do not grow, and what is handed out is shared with nothing.
- Mutable structs are accounted like immutable ones, identified as objects; nothing is counted twice
  through them. A mutable struct or a dict may be a member: it gets its structural gradient.
- Gradients have the shape of their primal, always; numbers are meant to be float64, other precisions are
  computed as NumPy promotes them. A Jacobian's columns, and flat
  vectors, follow row-major order.
- Gradients of gradients are out of scope. Integer, boolean and complex arrays cannot be members of a
  set or arguments; a whole number given as an argument is a number like any other.
- A traced array cannot be written to: what would change one in place is refused at once, not on the way
  back. Nor can fields of a traced struct or keys of a traced dict be set; what the loss makes itself can.
  In Python `x += y` changes an array, and is refused; of a number it makes another.
- Python does not tell when a name is read. The engine calls copies of functions in which globals, captured
  variables, defaults, attributes of users' own objects and of modules are followed. Not followed, and so
  constants: objects of libraries and of classes with a finalizer, sets, enumerations, what is asked of a
  class itself (`Model.w`), and what a cached function holds. Numbers have entries as globals only through
  `Bindings` and in case files.
- The copies are called, not the function: what it binds anew (`nonlocal`, `global`) stays in the copy. Traced
  lists and dicts are none to `isinstance`. An array of its own that the loss writes to between two uses is
  used in the backward pass as it is at the end.
- Settings of primitives and layers (an axis, a slope, an epsilon) are constants: a number read from a name
  has no entry for them, and a computed one is refused unless it counts something.
- Unpacking (`f(*t)`), comprehensions and `map` iterate in Python, and credit as a loop does. A tuple or list
  that Python itself builds holds its parts as they are: indexing it claims nothing.
- Containers are not added (`t + u`) and are no arrays (`x * t`): both are refused. True and false are
  refused as arguments; None and texts are constants.
- Arithmetic of `Grads` takes whole arrays, as the original does: `g1 * g2` is elementwise in NumPy.
  Both sides must be `Grads` over the same objects, or one of them a number or an array.
- At a tie `max`, `maximum`, `sort` and their kin credit the first of equals; `abs`, `norm` and `relu`
  have the derivative 0 at their kink. At its bounds `clip` has 1, `hard_tanh` 0.
- Keys of dicts are strings.
- A wrapper that was built outside the loss is not opened: its natural cotangent stops at the wrapper.
  Use explicit mode with the wrapper's parent as a member, or read the parent.

A program case on another engine (`--engine torch`, `jax`, `autograd`) is interpreted with that engine's
arrays in float64. Its places keep their names, and what they hold is what the engine can have there:

- A wrapper that was built outside the loss is an array of its own: a view in torch and autograd, a copy in
  jax. Torch has no views that run backwards (`flip`): those are copies as well. An array that has two names
  is one parameter of torch, and two arguments of jax and autograd.
- Its `.parent` is seen from that array, so what is read through it counts for the wrapper. A wrapper that
  does not show all of its parent (a slice) has none there.
- Numbers, lambdas and arrays of integers are constants.
- What an engine lacks skips the audit, which says so: everywhere `view` within a loss, `eigh`, `svd` and
  partitions, in autograd also `fmod`, `copysign` and `scatter`. Ties, kinks and what is not a number are as
  the engine has them.

The factory of a Python model is called with the global random numbers of Python, NumPy and torch begun at
the audit's seed (0 without one), and they go back afterwards: a model without a seed of its own is the same
in every run. Generators that ask the system for their seed (`default_rng()`) make another one each time.

What cannot be seen by finite differences: a fault below the error bound (the report says which single
element would have been seen), a derivative that the rounding of a huge loss hides, a fast structure
that is smaller than that rounding. Perturbed evaluations that raise count as undefined. Where a
rectangle of a large parameter is wrong, it is verified at a sample of its elements.""",
    "oracle": """\
Truth is measured by finite differences of the loss alone, with a bound on the error that is tested, not
assumed. Central differences at halved steps are extrapolated (Ridders), the noise of the loss is measured
once and carried along, kinks are told from smooth points by the even part of the same values, and two
looks far below the steps used guard against structure near the point.

Parameters of up to 64 cells (256 in a small model) are measured element by element; the more cells a model
has, the fewer of them. Larger ones are measured along random directions whose entries have either sign and
sizes from 0.5 to 1.5: one wrong element always shows, and three directions miss a fault of 1,450 times the
bound once in 1e9 audits.
Parameters that share memory with nothing are measured together, and one by one only where the sum is off.
On the bundled engine a complex step may speak for further directions, once it has agreed with a
difference; it is never the evidence of a fault. So the cost grows with parameters that share memory and
with faults, never with their size.

A small disagreement is measured again from closer by before it is called a fault, and must show at a
point nearby or along several directions: a kink a little way off is no fault of an engine (AC201), nor is
what cannot be resolved (AC206, AC202). Where a large parameter is wrong, its elements, rows, columns and
blocks are searched, and what was found is judged by itself.

`--probes N` takes more directions, `--thorough` looks at every row by itself as well and sees smaller
faults. `aliascheck selftest` plants faults and shows that they are found.""",
    "optimizer": """\
Descent and momentum are linear in the gradient: split contributions on shared memory add up to the
right step. Weight decay acts once for each slot; clipping by norm and Adam and its kin are not linear,
and need one slot that owns the whole derivative. Measuring the drift of a training step comes with a
later release.""",
}

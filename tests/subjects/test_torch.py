"""What is said of torch models whose parameters share memory, row by row as peers were measured on them."""

from __future__ import annotations

import copy
import itertools
import pickle
import sys
import warnings

import pytest

import aliascheck
from aliascheck.errors import AliascheckError
from aliascheck.subjects.torch import make_subject
from tests.subjects.torch_models import (
    COLUMNS,
    ROWS,
    Buffered,
    Coder,
    Lookup,
    Net,
    Slices,
    Tied,
    Weight,
    X,
    checkpoint,
    labels,
    nn,
    numbers,
    reconstruction,
    run,
    square,
    torch,
    words,
)

MODES = ["implicit", "explicit"]
ENC, DEC = ("enc.weight",), ("dec.weight",)


def shared(parameter):
    return nn.Parameter(parameter.data.t())


class Contained(Coder):
    """The view lies in a tuple in a dict."""

    def __init__(self):
        super().__init__()
        self.kept = {"views": (1, self.A.t())}

    def forward(self, x):
        return torch.tanh(x @ self.A) @ self.kept["views"][1]


def stale(change):
    module = Coder(lambda a: a.t())
    change(module)
    return module


SLOTS_SHARE = {  # model; findings and words of implicit mode, then of explicit mode
    "one Parameter under two names": (Tied, ([], ["total"]), ([], ["total"])),
    "two Parameters over one storage": (
        lambda: Coder(shared),
        ([], ["split", "split"]),
        ([], ["split", "split"]),
    ),
    "a view made in each call": (Coder, ([], ["total"]), ([], ["total"])),
    "a kept view": (
        lambda: Coder(lambda a: a.t()),
        ([], ["total"]),
        (["AC103:A"], ["partial"]),
    ),
    "a buffer over a parameter": (Buffered, (["AC103:A"], ["partial"]), (["AC103:A"], ["partial"])),
    "a view in a container": (
        Contained,
        ([], ["total"]),
        (["AC103:A"], ["partial"]),
    ),
}


@pytest.mark.parametrize("case", SLOTS_SHARE)
@pytest.mark.parametrize("mode", MODES)
def test_names_that_share_memory(case, mode):
    make, *expected = SLOTS_SHARE[case]
    outcome = run(make(), reconstruction, mode)
    assert (labels(outcome), words(outcome)) == expected[MODES.index(mode)]
    assert {found.cause for found in outcome.findings} <= {"alias not in the set"}


def test_names_in_containers_are_written_as_python_does():
    outcome = run(Contained(), reconstruction, "implicit")
    assert outcome.groups[0].columns == ("A", "kept['views'][1]")


@pytest.mark.parametrize("mode", MODES)
def test_slots_that_step_by_themselves_lack_each_other(mode):
    outcome = run(Coder(shared), reconstruction, mode, {"contract": "each"})
    assert labels(outcome) == ["AC103:A", "AC103:B"]


@pytest.mark.parametrize("mode", MODES)
def test_one_parameter_is_one_slot_under_all_its_names(mode):
    outcome = run(Tied(), reconstruction, mode)
    (slot,) = outcome.slots
    assert slot.plan.paths == (ENC, DEC)
    assert outcome.groups[0].columns == ("enc.weight", "dec.weight")
    assert run(Tied(), reconstruction, mode, params=["dec.weight"]).slots[0].plan.paths == (DEC, ENC)


@pytest.mark.parametrize("mode", MODES)
def test_penalties_by_parameters_see_one_object(mode):
    def penalised(module):
        return reconstruction(module) + sum((one**2).sum() for one in module.parameters())

    outcome = run(Tied(), penalised, mode)
    assert labels(outcome) == [] and words(outcome) == ["total"] and not outcome.notes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("start", "groups"), [(5, 1), (8, 2), (11, 2)])
def test_slices_of_one_buffer_alias_where_they_overlap(mode, start, groups):
    outcome = run(Slices(start), square, mode)
    assert labels(outcome) == []
    assert len(outcome.groups) == groups
    assert words(outcome) == ["split" if groups == 1 else "total"] * 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "weight",
    [
        numbers(1, COLUMNS).expand(ROWS, COLUMNS),
        numbers(ROWS + COLUMNS - 1).as_strided((ROWS, COLUMNS), (1, 1)),
        numbers(3 * ROWS, COLUMNS)[::3],
    ],
    ids=["stride 0", "Hankel", "every third row"],
)
def test_strides(mode, weight):
    outcome = run(Weight(weight), square, mode)
    assert (labels(outcome), words(outcome)) == ([], ["total"])


CAPTURES = {
    "a detached view": (lambda a: a.detach().t(), ["AC103:A"]),
    "a view of NumPy's": (lambda a: torch.from_numpy(a.detach().numpy().T), ["AC103:A"]),
    "another Parameter": (lambda a: nn.Parameter(a.detach().t()), ["AC103:A"]),
    "a copy": (lambda a: a.detach().t().clone(), []),
}


@pytest.mark.parametrize("case", CAPTURES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_captured_aliases_are_unlisted_readers(case, mode, dtype):
    capture, expected = CAPTURES[case]
    module = Weight(numbers(ROWS, COLUMNS).to(dtype))
    captured = capture(module.W)
    x = X.to(dtype)

    def loss(module):
        return ((module(x) @ captured - x) ** 2).mean()

    outcome = run(module, loss, mode)
    assert labels(outcome) == [label.replace("A", "W").replace("WC", "AC") for label in expected]
    assert all(found.cause == "unlisted" for found in outcome.findings)
    assert all(found.accesses == ("<unlisted>",) for found in outcome.findings)
    assert captured.grad is None


STALE = {
    "data replaced": lambda module: setattr(module.A, "data", module.A.data.clone()),
    "vector_to_parameters": lambda module: nn.utils.vector_to_parameters(
        nn.utils.parameters_to_vector(module.parameters()).detach(), module.parameters()
    ),
    "to and back": lambda module: module.float().double(),
}


@pytest.mark.parametrize("case", STALE)
def test_a_view_whose_base_has_moved(case):
    outcome = run(stale(STALE[case]), reconstruction, "implicit")
    assert labels(outcome) == ["AC105:A"]
    assert outcome.findings[0].accesses == ("B",)
    assert any("view of A, whose memory has been replaced" in note for note in outcome.notes)
    assert outcome.findings[0].remedy.startswith("make B anew: it is a view of memory that A has left")
    assert labels(run(stale(STALE[case]), reconstruction, "explicit")) == []


def loaded(**how):
    """A tied model after loading its own state in some way."""

    def make():
        module, state = Tied(), Tied().state_dict()
        if how.get("cloned"):
            state = {name: one.clone() for name, one in state.items()}
        if how.get("used"):
            Tied().load_state_dict(state, assign=True)
        module.load_state_dict(state, assign=how["assign"])
        if how.get("tied_again"):
            module.dec.weight = module.enc.weight
        return module

    return make


def untied(module):
    """Two Parameters over one storage, under the names of a tied model."""
    module.dec.weight = nn.Parameter(module.enc.weight.data)
    return module


ONE, SPLIT, APART = ["total"], ["split", "split"], ["total", "total"]
MOVES = {
    "loaded": (loaded(assign=False), ONE),
    "loaded by assigning": (loaded(assign=True), SPLIT),
    "loaded by assigning copies": (loaded(assign=True, cloned=True), APART),
    "assigned and tied again": (loaded(assign=True, tied_again=True), ONE),
    "loaded from what was assigned once": (loaded(assign=False, used=True), SPLIT),
    "deepcopy": (lambda: copy.deepcopy(Tied()), ONE),
    "deepcopy of two": (lambda: copy.deepcopy(untied(Tied())), APART),
    "copy of two": (lambda: copy.copy(untied(Tied())), SPLIT),
    "to the same": (lambda: untied(Tied()).to(torch.float64), SPLIT),
    "to and back": (lambda: untied(Tied()).float().double(), APART),
    "pickle": (lambda: pickle.loads(pickle.dumps(Tied())), ONE),
    "pickle of two": (lambda: pickle.loads(pickle.dumps(untied(Tied()))), APART),
    "shared between processes": (lambda: untied(Tied()).share_memory(), SPLIT),
}


@pytest.mark.parametrize("case", MOVES)
def test_ties_after_loading_copying_and_moving(case):
    make, expected = MOVES[case]
    outcome = run(make(), reconstruction, "implicit", {"ties": ((ENC, DEC),)})
    assert labels(outcome) == (["AC302"] if expected == APART else [])
    assert words(outcome) == expected


@pytest.mark.parametrize("make", [Tied, lambda: copy.deepcopy(untied(Tied()))], ids=["one", "two"])
def test_declared_ties_of_the_api(make):
    module, tie = make(), ("enc.weight", "dec.weight")
    report = aliascheck.audit(module, reconstruction, ties=[tie], modes=["implicit"])
    apart = module.enc.weight is not module.dec.weight
    assert [found.code for found in report.findings] == (["AC302"] if apart else [])
    with pytest.raises(AliascheckError, match=r"no tensor 'enc\.weigth' \(did you mean 'enc\.weight'"):
        aliascheck.audit(module, reconstruction, ties=[("enc.weigth", "dec.weight")])


TIES = {  # tie_weights, names: findings and words in explicit mode
    "tied": ((True, None), ([], ["total"])),
    "tied, both named": ((True, ["enc.weight", "dec.weight"]), ([], ["total"])),
    "untied": ((False, None), (["AC103:enc.weight"], ["partial"])),
    "untied, both named": ((False, ["enc.weight", "dec.weight"]), ([], ["split", "split"])),
}


@pytest.mark.parametrize("case", TIES)
def test_ties_of_functional_call(case):
    (tie_weights, params), expected = TIES[case]
    outcome = run(Tied(), reconstruction, "explicit", tie_weights=tie_weights, params=params)
    assert (labels(outcome), words(outcome)) == expected
    outcome = run(Tied(), reconstruction, "implicit", tie_weights=tie_weights, params=params)
    assert (labels(outcome), words(outcome)) == ([], ["total"])


class TwoNames(nn.Module):
    """One layer under two names."""

    def __init__(self):
        super().__init__()
        self.a = Net(nn.Linear(ROWS, ROWS)).net[0]
        self.b = self.a

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(ROWS, 1, dtype=torch.float64)

    def forward(self, x):
        return self.cell(x)[0]


class Checkpointed(TwoNames):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=False)


class Doubled(torch.autograd.Function):
    """Right forward; `factor` says what the rule makes of it."""

    factor = 2.0

    @staticmethod
    def forward(ctx, x):
        return (2.0 * x).detach()

    @staticmethod
    def backward(ctx, cotangent):
        return Doubled.factor * cotangent


def gradient_penalty(module):
    x = X.clone().requires_grad_()
    (slope,) = torch.autograd.grad(torch.tanh(module(x)).sum(), x, create_graph=True)
    return (slope**2).mean()


def by_functional_call(module):
    return (torch.func.functional_call(module, dict(module.named_parameters()), X) ** 2).mean()


def by_vmap(module):
    parameters = dict(module.named_parameters())

    def one(x):
        return torch.func.functional_call(module, parameters, x)

    return (torch.func.vmap(one)(X) ** 2).mean()


def weighted(module):
    out = module(X)
    return (out * torch.arange(out.numel()).view(out.shape)).mean()


CLEAN = {
    "BatchNorm": (lambda: Net(nn.Linear(ROWS, 2), nn.BatchNorm1d(2), nn.Tanh()), weighted),
    "BatchNorm, evaluated": (lambda: Net(nn.BatchNorm1d(ROWS), nn.Tanh()).eval(), weighted),
    "Dropout": (lambda: Net(nn.Linear(ROWS, 2), nn.Dropout(0.5), nn.Tanh()), square),
    "LayerNorm": (lambda: Net(nn.LayerNorm(ROWS), nn.Tanh()), weighted),
    "a sparse gradient": (lambda: Lookup(sparse=True), square),
    "a recurrent layer": (Recurrent, square),
    "weight norm": (lambda: Net(nn.utils.parametrizations.weight_norm(nn.Linear(ROWS, 2))), square),
    "a layer under two names": (TwoNames, square),
    "a checkpoint": (Checkpointed, square),
    "a gradient within the loss": (TwoNames, gradient_penalty),
    "functional_call within the loss": (TwoNames, by_functional_call),
    "vmap within the loss": (TwoNames, by_vmap),
    "a custom function": (lambda: Coder(decode=lambda a: Doubled.apply(a).t()), reconstruction),
}


@pytest.mark.parametrize("case", CLEAN)
def test_what_modules_do_is_no_finding(case):
    make, loss = CLEAN[case]
    subject = make_subject(make(), loss)
    for mode in MODES:
        outcome = run(make(), loss, mode)
        assert labels(outcome) == [], mode
        assert not outcome.notes
        assert set(words(outcome)) <= {"total", "unused"}
        assert [slot.plan.name for slot in outcome.slots] == [
            name for name, _ in make().named_parameters()
        ] or len(subject.members) > len(outcome.slots)


def test_a_layer_under_two_names_is_one_place_by_the_first():
    for params in (None, ["b.weight", "b.bias"]):
        outcome = run(TwoNames(), square, "implicit", params=params)
        assert [group.columns for group in outcome.groups] == [("a.weight",), ("a.bias",)]


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_rule_is_found(mode, monkeypatch):
    monkeypatch.setattr(Doubled, "factor", 2.001)
    outcome = run(Coder(decode=lambda a: Doubled.apply(a).t()), reconstruction, mode)
    assert labels(outcome) == ["AC105:A"]


def test_a_hook_that_clips_is_no_linear_engine():
    module = Net(nn.Linear(ROWS, 2))
    module.net[0].weight.register_hook(lambda grad: grad.clamp(-0.01, 0.01))
    outcome = run(module, square, "implicit")
    assert labels(outcome) == ["AC105:net.0.weight"]
    assert any("gates cannot be trusted here" in note for note in outcome.notes)
    assert labels(run(module, square, "explicit")) == []


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_an_embedding_that_renormalises_mutates(dtype):
    module = Lookup(max_norm=0.5).to(dtype)
    before = module.table.weight.detach().clone()
    for mode in MODES:
        outcome = run(module, square, mode)
        assert labels(outcome) == ["AC203"]
        assert "table.weight" in outcome.findings[0].where
    assert torch.equal(module.table.weight, before)


def test_a_loss_that_writes_through_data_mutates():
    def loss(module):
        value = reconstruction(module)
        module.A.data.mul_(2.0)
        return value

    assert labels(run(Coder(), loss, "implicit")) == ["AC203"]


def test_a_loss_that_does_not_repeat():
    calls = itertools.count(1)
    outcome = run(Coder(), lambda module: reconstruction(module) * next(calls), "implicit")
    assert labels(outcome) == ["AC202"]


@pytest.mark.parametrize("mode", MODES)
def test_sums_of_many_terms_pass_gates_although_their_order_changes(mode):
    def loss(module):
        return sum(((module(X * k)) ** 2).mean() / k for k in range(1, 8))

    outcome = run(Tied(), loss, mode)
    assert labels(outcome) == [] and not outcome.notes


def test_an_engine_that_fails():
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, cotangent):
            raise ValueError("no rule")

    outcome = run(Coder(decode=lambda a: Failing.apply(a).t()), reconstruction, "implicit")
    assert labels(outcome) == ["AC109"]
    assert "no rule" in outcome.findings[0].message


BAD = {
    "a name that is none": (lambda: make_subject(Tied(), square, params=["enc.wieght"]), "enc.weight"),
    "a scripted module": (lambda: make_subject(torch.jit.script(nn.Linear(2, 2)), square), "scripted"),
    "no memory": (lambda: make_subject(nn.Linear(2, 2, device="meta"), square), "on the meta device"),
    "a loss of many numbers": (lambda: make_subject(Coder(), lambda m: m.A).base(), r"of shape \(4, 2\)"),
    "a loss that is none": (lambda: make_subject(Coder(), lambda m: None).base(), "NoneType"),
    "a loss that raises": (lambda: make_subject(Coder(), lambda m: m.C).base(), "AttributeError"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_what_cannot_be_audited_is_said_so(case):
    call, text = BAD[case]
    with pytest.raises(AliascheckError, match=text):
        call()


def test_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AliascheckError, match=r"torch is not installed .*aliascheck\[torch\]"):
        make_subject(None, None)


def product(w, x):
    return torch.tanh(x @ w).sum()


@pytest.fixture
def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have us leave it
        return torch.jit.script(product)


@pytest.mark.parametrize("mode", ["implicit", "explicit"])
def test_what_a_scripted_function_reads_is_read(mode, scripted):
    outcome = run(Coder(), lambda module: scripted(module.A, X), mode)
    assert (labels(outcome), words(outcome)) == ([], ["total"])
    module = Coder()
    module.register_buffer("b", module.A.detach())
    module.unread = module.A.detach()
    outcome = run(module, lambda module: scripted(module.A, X) + scripted(module.b, X + 1), mode)
    assert (labels(outcome), words(outcome)) == (["AC103:A"], ["partial"])
    assert outcome.findings[0].accesses == ("b",)
    assert outcome.groups[0].columns == ("A", "b")


def test_what_is_read_out_of_a_list_of_parameters_is_no_unused_parameter():
    module = Coder()
    module.v = nn.Parameter(numbers(3))
    parameters = list(module.parameters())

    def loss(module):
        return reconstruction(module) + sum(one.square().sum() for one in parameters)

    outcome = run(module, loss, "implicit")
    assert (labels(outcome), words(outcome)) == ([], ["total", "total"])
    assert any("something unlisted reads this memory" in note for note in outcome.notes)
    outcome = run(module, loss, "explicit")
    assert (labels(outcome), words(outcome)) == (["AC103:A", "AC103:v"], ["partial", "partial"])


def test_rows_without_a_gradient_are_dropped_and_not_held_elsewhere():
    outcome = run(Lookup(padding_idx=1), lambda module: module(X).square().sum(), "implicit")
    (found,) = outcome.findings
    assert (found.label, found.cause) == ("AC103:table.weight", "dropped")
    assert "it is in" not in found.message and "padding_idx" in found.remedy


def after_a_step(second_order):
    """The loss once parameters have made a step by gradients that the loss takes itself."""

    def loss(module):
        named = dict(module.named_parameters())
        grads = torch.autograd.grad(
            reconstruction(module), list(named.values()), create_graph=second_order, allow_unused=True
        )
        moved = {name: one - 0.5 * grad for (name, one), grad in zip(named.items(), grads, strict=True)}
        out = torch.func.functional_call(module, moved, (X,))
        return ((out - X) ** 2).mean()

    return loss


@pytest.mark.parametrize("mode", MODES)
def test_names_that_an_inner_gradient_takes_for_one_go_together(mode):
    outcome = run(Tied(), after_a_step(True), mode)
    assert (labels(outcome), words(outcome)) == ([], ["total"])
    assert any("counted as one" in note for note in outcome.notes)
    outcome = run(Tied(), after_a_step(False), mode)
    assert labels(outcome) == ["AC103:enc.weight"]


@pytest.mark.parametrize("mode", MODES)
def test_names_of_a_penalty_on_all_parameters_stay_apart(mode):
    def loss(module):
        return reconstruction(module) + 0.1 * sum((one**2).sum() for one in module.parameters())

    outcome = run(Tied(), loss, mode)
    assert (labels(outcome), words(outcome)) == ([], ["total"])
    assert outcome.notes == ()

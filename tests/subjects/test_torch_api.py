"""What is asked of a module through the Python API, and what is said of modules that cannot be audited."""

from __future__ import annotations

import pytest

import aliascheck
from aliascheck.errors import AliascheckError
from tests.subjects.torch_models import Coder, X, nn, numbers, reconstruction, torch


def slots(report):
    return [[slot.name for slot in audit.slots] for audit in report.audits]


def test_the_set_may_be_given_as_a_name_or_as_tensors():
    module = Coder()
    for params in ("A", ["A"], module.A, [module.A], module.parameters()):
        report = aliascheck.audit(module, reconstruction, params=params)
        assert report.ok and slots(report) == [["A"], ["A"]]


def test_the_set_may_be_what_torch_gives():
    module = Coder(lambda a: nn.Parameter(a.data.t()))
    adam = torch.optim.Adam([{"params": [module.A]}, {"params": [module.B], "lr": 1.0}])
    sets = {
        "pairs": (module.named_parameters(), ["A", "B"]),
        "one pair": ([("b", module.B)], ["B"]),
        "groups": (adam.param_groups, ["A", "B"]),
        "one group": (adam.param_groups[1], ["B"]),
        "a group of one": ([{"params": module.B}], ["B"]),
        "a group of pairs": ([{"params": module.named_parameters()}], ["A", "B"]),
        "a dict": (dict(module.named_parameters()), ["A", "B"]),
        "names": (("A", "B"), ["A", "B"]),
    }
    for what, (params, expected) in sets.items():
        report = aliascheck.audit(module, reconstruction, params=params, modes="implicit")
        assert slots(report) == [expected], what


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"params": [{"lr": 1.0}]}, "a dict is no name .give names, tensors, .* param_groups"),
        ({"params": [("A", 1.0)]}, "a tuple is no name .give names, tensors, .* param_groups"),
        ({"params": [("A", numbers(4, 2))]}, "a tensor that the module does not hold in the set"),
        ({"params": [{"params": ["B"]}]}, "no tensor 'B'"),
        ({"params": [numbers(4, 2)]}, "a tensor that the module does not hold in the set"),
        ({"params": [0]}, "a int is no name"),
        ({"params": ["B"]}, "no tensor 'B'"),
        ({"contract": "owner:B"}, "'B' is no slot of the set .slots: A"),
        ({"ties": ["A", "A"]}, "ties lists lists of names"),
    ],
)
def test_wrong_settings_are_told(settings, said):
    with pytest.raises(AliascheckError, match=said):
        aliascheck.audit(Coder(), reconstruction, **settings)


def test_an_owner_may_be_named_by_each_of_its_names():
    module = Coder()
    module.C = module.A
    for name in ("A", "C"):
        assert aliascheck.audit(module, reconstruction, contract=f"owner:{name}").ok


def wrapped():
    class Wrapping(torch.Tensor):
        @staticmethod
        def __new__(cls, inner):
            return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return cls(torch.empty(args[0].shape, dtype=args[0].dtype))

    return nn.Parameter(Wrapping(numbers(4, 2)))


def holding(parameter):
    module = nn.Module()
    module.w = parameter
    return module


UNFIT = {
    "frozen": (lambda: Coder().requires_grad_(False), "nothing to audit.*requires_grad_"),
    "lazy": (lambda: nn.LazyLinear(3), "weight is not initialised.*call the module once"),
    "complex": (lambda: holding(nn.Parameter(torch.ones(2, dtype=torch.complex64))), "w has no.*params="),
    "meta": (
        lambda: holding(nn.Parameter(torch.ones(2, device="meta"))),
        "w is on the meta device, and holds no numbers.*to_empty",
    ),
    "a wrapper": (lambda: holding(wrapped()), "w has no.*params="),
}


@pytest.mark.parametrize("case", UNFIT)
def test_modules_that_cannot_be_audited_are_told(case):
    make, said = UNFIT[case]
    with pytest.raises(AliascheckError, match=said):
        aliascheck.audit(make(), lambda module: X.sum())

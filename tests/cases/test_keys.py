"""An audit is called by what it asks, not by where it stands."""

from __future__ import annotations

from pathlib import Path

from aliascheck.cases import read_case

LET = "[let]\nx = [1.0]\ny = [2.0]\n"
PLAIN = '[[audit]]\nloss = "sum(x * y)"\nparams = ["x"]\n'
OTHER = '[[audit]]\nloss = "sum(x)"\nparams = ["x"]\n'


def keys(*audits: str, head: str = LET) -> list[str]:
    case = read_case((head + "".join(audits)).encode(), "cases/a.toml", Path("cases"))
    return [audit.key for audit in case.audits]


def test_a_given_id_is_the_key() -> None:
    assert keys('[[audit]]\nid = "tied"\nloss = "sum(x)"\nparams = ["x"]\n') == ["tied"]
    assert keys('[[audit]]\nid = "tied"\nloss = "sum(x)"\nparams = ["x"]\nmatrix = { n = [1, 2] }\n') == [
        "tied[n=1]",
        "tied[n=2]",
    ]


def test_a_number_by_position_is_not() -> None:
    first, second = keys(PLAIN, OTHER)
    assert first != second
    assert all(key.startswith("#") and len(key) == 17 for key in (first, second))
    assert keys('[[audit]]\nid = "1"\nloss = "sum(x)"\nparams = ["x"]\n') == ["1"]


def test_title_lines_order_and_settings_do_not_matter() -> None:
    first, second = keys(PLAIN, OTHER)
    assert keys(OTHER, PLAIN) == [second, first]
    assert keys(PLAIN + 'title = "new"\n', "\n\n# moved\n", OTHER) == [first, second]
    assert keys(PLAIN.replace("x * y", "x  *\\n y")) == [first]
    assert keys(PLAIN + 'seed = 3\nmodes = ["explicit"]\nexpect.explicit.findings = []\n') == [first]


def test_loss_set_contract_and_matrix_do() -> None:
    matrix = PLAIN + "matrix = { n = [1, 2] }\n"
    asked = [
        PLAIN,
        OTHER,
        PLAIN.replace('["x"]', '["x", "y"]'),
        PLAIN.replace('["x"]', '["y", "x"]'),
        PLAIN + 'contract = "each"\n',
        matrix,
    ]
    found = [key for text in asked for key in keys(text)]
    assert len(set(found)) == len(found) == 7


def test_arguments_of_a_python_model_do() -> None:
    head = 'engine = "torch"\n[model]\nfactory = "a.py:make"\n'
    plain, tied, untied = "[[audit]]\n", *(f"[[audit]]\nargs = {{ tied = {v} }}\n" for v in ("true", "false"))
    first, second, third = keys(plain, tied, untied, head=head)
    assert len({first, second, third}) == 3
    assert keys(untied, plain, tied, head=head) == [third, first, second]


def test_a_default_contract_counts_as_the_audit_s_own() -> None:
    assert keys(PLAIN, head=LET + '[defaults]\ncontract = "each"\n') == keys(PLAIN + 'contract = "each"\n')


def test_duplicates_are_numbered_by_what_else_tells_them_apart() -> None:
    implicit, explicit = (PLAIN + f'modes = ["{mode}"]\n' for mode in ("implicit", "explicit"))
    one, two = keys(implicit, explicit)
    assert {one, two} == {keys(PLAIN)[0], keys(PLAIN)[0] + "-2"}
    assert keys(explicit, implicit) == [two, one]
    assert len(set(keys(PLAIN, PLAIN, PLAIN))) == 3

"""Errors of an audit have the caller's frames and those of the loss, and none of ours."""

from __future__ import annotations

import traceback
from types import CodeType

import pytest

from aliascheck.errors import AliascheckError
from aliascheck.stack import cut, own_frames_cut


def frames(error: BaseException | None) -> list[str]:
    assert error is not None
    return [level.name for level in traceback.extract_tb(error.__traceback__)]


def compiled(source: str) -> CodeType:
    return compile(source, "ours.py", "exec")


def ours(body: str) -> object:
    """A function `audited(loss)` of a module of ours."""
    module: dict[str, object] = {"__name__": "aliascheck.module", "AliascheckError": AliascheckError}
    exec(compiled("def inner(loss):\n    return loss()\ndef audited(loss):\n" + body), module)
    return module["audited"]


RAISES = (
    "    try:\n        inner(loss)\n    except Exception as error:\n        raise AliascheckError('told'){}\n"
)


def loss() -> None:
    raise ValueError("mine")


@pytest.mark.parametrize("origin", [" from error", ""])
def test_an_error_shows_the_caller_and_the_loss(origin: str) -> None:
    audit = own_frames_cut(ours(RAISES.format(origin)))  # type: ignore[arg-type,var-annotated]
    with pytest.raises(AliascheckError, match="told") as raised:
        audit(loss)
    assert frames(raised.value) == ["test_an_error_shows_the_caller_and_the_loss", "call"]
    assert [one.name for one in raised.traceback.filter(raised)] == frames(raised.value)[:1]
    assert frames(raised.value.__cause__ or raised.value.__context__) == ["loss"]
    shown = "".join(traceback.format_exception(raised.value))
    assert "ValueError: mine" in shown and "ours.py" not in shown


@pytest.mark.parametrize("origin", [" from error", ""])
def test_what_came_from_ours_alone_is_left_out(origin: str) -> None:
    audited = ours(RAISES.replace("inner(loss)", "{{}}[0]").format(origin))
    try:
        audited(loss)  # type: ignore[operator]
    except AliascheckError as error:
        shown = "".join(traceback.format_exception(cut(error)))
    assert shown.count("Traceback") == 1 and "KeyError" not in shown


def test_who_asks_sees_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIASCHECK_DEBUG", "1")
    audit = own_frames_cut(ours(RAISES.format(" from error")))  # type: ignore[arg-type,var-annotated]
    with pytest.raises(AliascheckError) as raised:
        audit(loss)
    assert frames(raised.value)[-1] == "audited"
    assert frames(raised.value.__cause__) == ["audited", "inner", "loss"]


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(ValueError, match="mine") as raised:
        own_frames_cut(ours("    inner(loss)\n"))(loss)  # type: ignore[arg-type,var-annotated]
    assert frames(raised.value)[-3:] == ["audited", "inner", "loss"]


def test_engines_losses_are_told_so() -> None:
    """Where a loss is evaluated under torch, by its own stack."""
    torch = pytest.importorskip("torch")
    import aliascheck

    def mine(model: object) -> None:
        raise ValueError("mine")

    with pytest.raises(AliascheckError, match="ValueError: mine") as raised:
        aliascheck.audit(torch.nn.Linear(2, 2), mine)
    assert frames(raised.value) == ["test_engines_losses_are_told_so", "call"]
    assert frames(raised.value.__cause__) == ["mine"]

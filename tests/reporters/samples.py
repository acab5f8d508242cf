"""Hand-made reports that show everything a reporter must cope with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aliascheck.report import (
    AuditResult,
    FileError,
    FindingResult,
    FixedFinding,
    GroupResult,
    Lane,
    Report,
    SlotResult,
    Tool,
    Unmet,
    encode,
    summarize,
)

EXAMPLES = "cases/zygote-991/examples.toml"
HOSTILE = "\x1b[31mred\x1b[0m [bold]not bold[/bold] \u202egnirts\u202c\r\n\x07 日本語のとても長い題名"


def slot(name: str, reported: Any, path: Any, total: Any, verdict: str, **more: Any) -> SlotResult:
    shape = more.pop("shape", [1])
    bound = more.pop("error_bound", 3e-11)
    return SlotResult(
        name=name,
        shape=shape,
        reported=reported,
        path=path,
        total=total,
        error_bound=bound,
        verdict=verdict,
        **more,
    )


def audit(name: str, title: str, **more: Any) -> AuditResult:
    defaults: dict[str, Any] = {
        "file": EXAMPLES,
        "line": 10,
        "engine": "builtin",
        "mode": "implicit",
        "contract": "sum",
        "status": "passed",
        "loss": 1.0,
        "loss_text": "sum(xt.parent * x)",
        "params": ["x", "xt"],
        "case_title": "Gradients with aliased variables",
        "evaluations": 64,
        "seconds": 0.004,
    }
    return AuditResult(id=name, title=title, **(defaults | more))


def finding(code: str, name: str, slot: str | None, message: str, remedy: str, **more: Any) -> FindingResult:
    defaults: dict[str, Any] = {
        "severity": "error",
        "accesses": [],
        "cause": None,
        "share": None,
        "where": None,
        "expected": True,
    }
    return FindingResult(code=code, name=name, slot=slot, message=message, remedy=remedy, **(defaults | more))


def report(audits: list[AuditResult], bad_files: list[FileError] | None = None, **more: Any) -> Report:
    bad = bad_files or []
    code, reason = more.pop("exit", (0, "nothing unexpected"))
    return Report(
        tool=Tool(version="0.1.0"),
        summary=summarize(audits, bad, more.pop("seconds", 0.21), code, reason),
        audits=audits,
        bad_files=bad,
    )


SHARED = Lane(name="x", cells=[0]), Lane(name="xt.parent", cells=[0])

ROW_5_IMPLICIT = audit(
    "5",
    "x and its adjoint in the set, the parent read directly",
    line=59,
    entries={"x": [2.0], "xt": "nothing", "Main.x": [1.0]},
    slots=[
        slot("x", [2.0], [1.00000000002], [2.0], "misplaced"),
        slot("xt", "nothing", [[1.0]], [[2.0]], "nothing", shape=[1, 1]),
    ],
    groups=[
        GroupResult(
            slots=["x", "xt"],
            accesses=["x", "xt.parent"],
            attribution=[[1, 1], [0, 0]],
            residual=0.0,
            conserved=True,
            cells=1,
            memory=list(SHARED),
        )
    ],
    findings=[
        finding(
            "AC101",
            "nothing",
            "xt",
            "the loss reads xt.parent, and nothing was reported; it is in x",
            "put the object that the loss reads in the set, keep only one name of it, or use explicit mode",
        ),
        finding(
            "AC102",
            "misplaced",
            "x",
            "it holds xt.parent's contribution, 50% of the derivative at its cells, which belongs to xt",
            "add it to xt's gradient, keep only x in the set, or use explicit mode",
        ),
    ],
    expects=True,
)

ROW_5_EXPLICIT = audit(
    "5",
    "x and its adjoint in the set, the parent read directly",
    line=59,
    mode="explicit",
    entries={"x": [1.0], "xt": {"parent": [1.0]}},
    slots=[
        slot("x", [1.0], [1.0], [2.0], "split"),
        slot("xt", {"parent": [1.0]}, [[1.0]], [[2.0]], "split", shape=[1, 1]),
    ],
    groups=[
        GroupResult(
            slots=["x", "xt"],
            accesses=["x", "xt.parent"],
            attribution=[[1, 0], [0, 1]],
            residual=0.0,
            conserved=True,
            cells=1,
            memory=list(SHARED),
        )
    ],
    findings=[
        finding(
            "AC106",
            "structural",
            "xt",
            "a structural value (parent = ...) was reported for an array of shape (1, 1)",
            "optimisers cannot step with it: read xt itself in the loss, or take the field out",
            severity="warning",
        )
    ],
    expects=True,
)


def clean(name: str = "3", mode: str = "implicit", **more: Any) -> AuditResult:
    defaults: dict[str, Any] = {
        "line": 36,
        "mode": mode,
        "loss_text": "sum(xt * x)",
        "expects": True,
        "slots": [
            slot("x", [1.0], [1.0], [2.0], "split"),
            slot("xt", [[1.0]], [[1.0]], [[2.0]], "split", shape=[1, 1]),
        ],
        "groups": [
            GroupResult(
                slots=["x", "xt"],
                accesses=["x", "xt"],
                attribution=[[1, 0], [0, 1]],
                residual=0.0,
                conserved=True,
                cells=1,
                memory=[Lane(name="x", cells=[0]), Lane(name="xt", cells=[0])],
            )
        ],
    }
    return audit(name, "both x and its adjoint in the set", **(defaults | more))


UNMET = audit(
    "6",
    "an expectation that the engine does not meet, with a title that is much longer than a line of a "
    "terminal of eighty columns, so that it must be wrapped",
    line=77,
    status="failed",
    expects=True,
    slots=[
        slot(
            "w",
            [[0.5, 1.0], [1.5, 2.25]],
            [[0.5, 1.0], [1.5, 2.0]],
            [[1.0, 2.0], [3.0, 4.0]],
            "wrong",
            shape=[2, 2],
        )
    ],
    groups=[
        GroupResult(
            slots=["w"],
            accesses=["w", "m.layers[1].weight.parent"],
            attribution=[["w", 0]],
            residual=2.25,
            conserved=False,
            cells=4,
            memory=[
                Lane(name="w", cells=[0, 1, 2, 3]),
                Lane(name="m.layers[1].weight.parent", cells=[1, 2]),
            ],
        )
    ],
    findings=[
        finding(
            "AC105",
            "wrong",
            "w",
            "what it holds of w is wrong: element [1, 1]",
            "check the derivative rules that w passes through: no counting of contributions explains it",
            where="element [1, 1]",
            expected=False,
        ),
        finding(
            "AC103",
            "partial",
            "w",
            "50% of the derivative arrives through m.layers[1].weight.parent and is missing "
            "(alias not in the set)",
            "add m.layers[1].weight.parent to the set, or let the loss read it through w",
            cause="alias not in the set",
            share=0.5,
        ),
    ],
    unmet=[
        Unmet(what="gradients.w", expected="[[0.5, 1.0], [1.5, 2.0]]", got="[[0.5, 1.0], [1.5, 2.25]]"),
        Unmet(what="findings", expected="AC103:w", got="AC103:w, AC105:w"),
    ],
)


def large() -> AuditResult:
    big = np.linspace(-1.0, 1.0, 2048 * 64).reshape(2048, 64)
    few = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]) / 3
    off = few.copy()
    off[5] = 7.25
    return audit(
        "large",
        "arrays beyond a handful of elements",
        line=90,
        loss=123.456789,
        loss_text="sum(tanh(encoder.embedding.weight @ transpose(decoder.weight)) * targets) / 128",
        params=["encoder.embedding.weight", "decoder.weight", "bias"],
        status="failed",
        slots=[
            slot(
                "encoder.embedding.weight",
                encode(big),
                encode(big),
                encode(big * 2),
                "split",
                shape=[2048, 64],
            ),
            slot("decoder.weight", encode(big * 1.0000003), None, None, "partial", shape=[64, 2048]),
            slot("bias", encode(off), encode(few), encode(few), "wrong", shape=[8], error_bound=1e-9),
            slot("scale", [0.30000000000000004], [0.30000000012], [0.3], "total", error_bound=2e-10),
            slot(
                "tiny",
                [1.23e-9, 5e12],
                [1.23e-9, 5e12],
                [1.23e-9, 5e12],
                "total",
                shape=[2],
                error_bound=1e-15,
            ),
        ],
        groups=[
            GroupResult(slots=[n], accesses=[n], attribution=[[1]], residual=0.0, conserved=True)
            for n in ("encoder.embedding.weight", "decoder.weight", "scale", "tiny")
        ],
        findings=[
            finding(
                "AC105",
                "wrong",
                "bias",
                "what it holds of bias is wrong: element [5]",
                "check the derivative rules that bias passes through: no counting of contributions explains "
                "it",
                where="element [5]",
                expected=False,
            )
        ],
    )


def nonfinite() -> AuditResult:
    return audit(
        "nan",
        "a square root at zero",
        line=120,
        mode="explicit",
        status="failed",
        loss=2.0,
        loss_text="sum(sqrt(x))",
        params=["x"],
        slots=[
            slot("x", ["inf", 0.25], ["nan", 0.25], ["nan", 0.25], "nonfinite", shape=[2], error_bound="inf"),
            slot(
                "y",
                encode([math.nan] * 9),
                encode([0.1] * 9),
                encode([0.1] * 9),
                "nonfinite",
                shape=[9],
                names=["y", "z"],
            ),
        ],
        findings=[
            finding(
                "AC107",
                "nonfinite",
                "x",
                "element [0] is inf, while the loss is finite",
                "look for sqrt, log, division or norm at zero, and for overflow in the backward pass",
                expected=False,
            )
        ],
        notes=["the jittered point left the domain of the loss"],
    )


def hostile() -> AuditResult:
    return audit(
        "\x9b2J[red]",
        HOSTILE,
        file="cases/\udcff\x1b]0;title\x07.toml",
        line=1,
        case_title=HOSTILE,
        loss_text="sum(x['[link=http://example.org]']) " + "+ 1 " * 200,
        params=["x['\x1b']"],
        slots=[slot("x['\x1b[2J']", [1.0], [1.0], [1.0], "total")],
        status="error",
        error="cases/\x1b[0m.toml: audit[1].loss, column 5: unknown name '\x1b'\n  sum(\x1b)\n      ^",
    )


def many_accesses() -> AuditResult:
    names = [f"model.layers[{i}].attention.weight" for i in range(14)]
    return audit(
        "many",
        "one weight in fourteen layers",
        line=200,
        loss_text="sum(model(ones(4)))",
        params=["w"],
        slots=[slot("w", [14.0], [14.0], [14.0], "total"), slot("v", [1.0], [1.0], [14.0], "partial")],
        groups=[
            GroupResult(
                slots=["w", "v"],
                accesses=names,
                attribution=[[*[1] * 12, "part", None], [*[0] * 13, 2]],
                residual=0.5,
                conserved=False,
                cells=300,
                memory=[Lane(name="w", cells=list(range(300))), Lane(name="v", cells=[0, 299])],
            )
        ],
    )


def thread() -> Report:
    """The thread's rows 3 and 5: nothing unexpected."""
    return report([clean(), clean(mode="explicit"), ROW_5_IMPLICIT, ROW_5_EXPLICIT])


def trouble() -> Report:
    """Everything that goes wrong or is large or strange."""
    skipped = audit(
        "gpu", "needs a device", line=210, status="skipped", loss=None, error="needs torch, which is not here"
    )
    bad = FileError(
        file="cases/bad.toml",
        message="cases/bad.toml: audit[2].loss, column 9: unknown name 'wieght' (did you mean 'weight'?)\n"
        "  sum(m.wieght)\n          ^^^^^^^^",
        line=14,
    )
    audits = [
        clean(),
        clean(mode="explicit"),
        UNMET,
        large(),
        nonfinite(),
        many_accesses(),
        skipped,
        hostile(),
    ]
    return report(audits, [bad], exit=(3, "a case file is bad"), seconds=12.34)


def gated() -> Report:
    """A run held against a baseline: one finding known, one new, one of another verdict, two fixed."""
    slots = [slot(name, [0.5], [1.0], [1.0], "partial") for name in ("a", "b", "c")]

    def partial(at: str, **more: Any) -> FindingResult:
        return finding("AC103", "partial", at, f"half of {at} is missing", "read it", expected=False, **more)

    failed = audit(
        "tied",
        "three slots",
        status="failed",
        slots=slots,
        findings=[
            partial("a", baseline="known"),
            partial("b", baseline="new"),
            partial("c", baseline="changed", was="split"),
        ],
        unmet=[Unmet(what="gradients.a", expected="[1]", got="[0.5]", baseline="known")],
    )
    known = audit(
        "4", "one slot", slots=slots[:1], findings=[partial("a", baseline="known")], key="#0123456789abcdef"
    )
    gone = FixedFinding(
        file="cases/old.toml", id="x", engine="torch", mode="explicit", code="AC104", slot="w", name="double"
    )
    hashed = FixedFinding(
        file=EXAMPLES,
        id="#0123456789abcdef",
        engine="builtin",
        mode="implicit",
        code="AC203",
        slot=None,
        name="mutates",
        loss="sum(x)",
    )
    held = report([failed, known], exit=(1, "1 result with unexpected findings"))
    held.baseline = "reports/baseline.json"
    held.fixed = [gone, hashed]
    return held


INJECTIONS = (
    "<script>alert(1)</script>",
    "</style></details>",
    "::error file=a,line=1::owned",
    "%0A::warning::owned%0D",
    "##[error]owned",
    "]]> &amp; <!-- ",
    "| a | `b` | **c** | @everyone | #1 | [d](http://e) | ![f](g) | $h$ | \\|",
    "\udcff \ud800 \x00 \x1b[2J \u202e \ufffe \u2028 \r\n- # x",
)


def injected(text: str, number: int) -> AuditResult:
    """An audit that says nothing but `text`, wherever a case may say something."""
    found = finding(
        "AC105", "wrong", text, text, text, cause=text, where=text, expected=False, accesses=[text]
    )
    return audit(
        text,
        text,
        key=text,
        file=f"cases/{text}.toml",
        line=number,
        case_title=text,
        loss_text=text,
        params=[text],
        status="failed",
        slots=[slot(text, [1.0], [1.0], [2.0], "wrong", names=[text, text])],
        groups=[
            GroupResult(
                slots=[text],
                accesses=[text, f"{text}.parent"],
                attribution=[["w", 1]],
                residual=1.0,
                conserved=False,
                cells=1,
                memory=[Lane(name=text, cells=[0]), Lane(name=f"{text}.p", cells=[0])],
            )
        ],
        findings=[found],
        unmet=[Unmet(what=text, expected=text, got=text)],
        notes=[text],
    )


def injections() -> Report:
    """Case texts that would steer every kind of reader."""
    bad = [FileError(file=f"cases/{text}.toml", message=text, line=1) for text in INJECTIONS]
    return report([injected(text, number) for number, text in enumerate(INJECTIONS, 1)], bad, exit=(3, ""))


def warned() -> Report:
    """A run held against a baseline: something known, something new, something fixed."""
    known = finding(
        *("AC104", "double", "v", "w's contribution is here and in w as well", "drop the copy"),
        expected=False,
        baseline="known",
    )
    new = finding(
        *("AC101", "nothing", "w", "the loss reads w, and nothing was reported", "put w in the set"),
        expected=False,
        baseline="new",
    )
    noisy = finding(
        *("AC202", "noisy", None, "evaluating the loss again gave another value", "fix the seed"),
        severity="warning",
        expected=False,
        baseline="new",
    )
    torch = {"file": "cases/tied.toml", "engine": "torch", "case_title": "Tied weights"}
    gone = FixedFinding(
        file="cases/tied.toml",
        id="#0123456789abcdef",
        engine="torch",
        mode="implicit",
        code="AC102",
        slot="w",
        name="misplaced",
    )
    result = report(
        [
            clean(),
            audit("old", "what is known", **torch, line=5, findings=[known]),
            audit("2", "what is new", **torch, line=9, status="failed", findings=[known, new]),
            audit("loud", "what only warns", **torch, line=20, mode="explicit", findings=[noisy]),
        ],
        exit=(1, "1 result with unexpected findings"),
    )
    result.fixed = [gone]
    return result


REPORTS = {
    "thread": thread,
    "trouble": trouble,
    "gated": gated,
    "warned": warned,
    "injections": injections,
}

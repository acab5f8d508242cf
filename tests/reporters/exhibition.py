"""A report that has everything the HTML report shows, hostile texts among it."""

from __future__ import annotations

from typing import Any

import numpy as np

from aliascheck.report import (
    AuditResult,
    Binding,
    FixedFinding,
    GroupResult,
    Lane,
    MatrixResult,
    Origin,
    Report,
    SpotResult,
    encode,
)
from tests.reporters.samples import (
    ROW_5_EXPLICIT,
    ROW_5_IMPLICIT,
    audit,
    clean,
    finding,
    many_accesses,
    report,
    slot,
)

HOSTILE_TEXTS = (
    "<script>window.hacked = 1</script>",
    "</style></script></title><img src=x onerror=window.hacked=1>",
    '"\' onmouseover="window.hacked=1" x=\'',
    "javascript:window.hacked=1",
    "<!-- --> ]]> &lt;b&gt; {{ 7 * 7 }} {% raw %}",
    "\x1b[31m\u202egnirts\u202c\x00\x85\u2028",
)
TIED = "cases/layers/tied.toml"


def hostile(number: int, text: str) -> AuditResult:
    """An audit that says the same hostile text wherever a case can say something."""
    return audit(
        text,
        text,
        file=f"cases/{number}{text}.toml",
        line=number + 1,
        engine="builtin",
        contract=f"owner:{text}",
        case_title=text,
        loss_text=text,
        params=[text],
        source=text,
        bindings=[Binding(name=text, text=text)],
        model_text=text,
        status="failed",
        slots=[slot(text, text, [1.0], [1.0], "partial", names=[text, text])],
        groups=[
            GroupResult(
                slots=[text],
                accesses=[text, f"{text}.parent"],
                attribution=[[0, 1]],
                residual=1.0,
                conserved=False,
                cells=2,
                memory=[Lane(name=text, cells=[0, 1]), Lane(name=f"{text}.parent", cells=[1])],
            )
        ],
        findings=[
            finding(
                "AC103",
                text,
                text,
                f"{text}\n{text}",
                text,
                cause=f"why {text}",
                where=f"at {text}",
                expected=False,
            )
        ],
        notes=[text],
        error=f"{text}\n{text}",
    )


def matrices() -> AuditResult:
    """A matrix that is known by element, one of which only the fault's place is known, and a large group."""
    total = np.arange(96.0).reshape(8, 12) / 7
    reported = total.copy()
    reported[2:4, 5:9] *= -1
    reported[7, 0] = np.inf
    spot = SpotResult(shape=[8, 12], rectangles=[[2, 4, 5, 9], [7, 8, 0, 1]])
    far = SpotResult(shape=[4096, 512], rectangles=[[100, 101, 0, 512], [4000, 4096, 40, 41]], more=True)
    small = np.eye(3)
    return audit(
        "matrices",
        "where matrices are wrong",
        file=TIED,
        line=12,
        status="failed",
        bindings=[
            Binding(name="w", text="normal((8, 12), 1)"),
            Binding(name="e", text="normal((4096, 512), 2)"),
        ],
        params=["w", "e", "v"],
        loss_text="sum(w * w) + sum(e) + sum(v)",
        slots=[
            slot(
                "w",
                encode(reported),
                encode(total),
                encode(total),
                "wrong",
                shape=[8, 12],
                matrix=MatrixResult(
                    reported=encode(reported.tolist()), path=total.tolist(), total=total.tolist()
                ),
            ),
            slot("e", encode(np.ones((4096, 512))), None, None, "wrong", shape=[4096, 512]),
            slot("v", encode(small), encode(small), encode(small * 2), "partial", shape=[3, 3]),
        ],
        groups=[
            GroupResult(
                slots=["w"],
                accesses=["w", "w.rows", "w (stopped)"],
                attribution=[["w", "part", None]],
                residual=3.5,
                conserved=False,
                cells=96,
                memory=[
                    Lane(name="w", cells=[], runs=[[0, 96]]),
                    Lane(name="w.rows", cells=[], runs=[[0, 12], [24, 36]]),
                ],
            ),
            GroupResult(
                slots=["v"],
                accesses=["v", "lost", "twice"],
                attribution=[[1, 0, 2]],
                residual=1.0,
                conserved=False,
                cells=9,
                memory=[Lane(name=name, cells=list(range(9))) for name in ("v", "lost", "twice")],
            ),
        ],
        findings=[
            finding(
                "AC105", "wrong", "w", "what it holds of w is wrong", "check the rules", spot=spot,
                expected=False, baseline="new",
            ),
            finding(
                "AC105", "wrong", "e", "what it holds of e is wrong: row 100", "check the rules", spot=far,
                expected=False, baseline="known",
            ),
        ],
        seed=3,
    )  # fmt: skip


def on_engines() -> list[AuditResult]:
    """One audit on three engines, which do not agree."""
    common: dict[str, Any] = {"file": TIED, "model_text": "tied.py:make(width=2)", "bindings": []}
    lost = finding("AC103", "partial", "x", "50% arrives through xt and is missing", "add xt to the set")
    return [
        clean("engines", engine="torch", **common),
        clean("engines", engine="torch", **common | {"mode": "explicit"}),
        clean(
            "engines",
            engine="jax",
            **common
            | {
                "mode": "explicit",
                "findings": [lost],
                "slots": [slot("x", [1.0], [1.0], [2.0], "partial")],
                "optimizers": [{"name": "adam", "drift": 0.25, "safe": False}, {"name": "sgd", "safe": True}],
            },
        ),
    ]


def not_run() -> list[AuditResult]:
    """Audits of two files, all skipped for one reason."""
    settings: dict[str, Any] = {
        "engine": "jax",
        "mode": "explicit",
        "status": "skipped",
        "loss": None,
        "error": "it runs Python code",
    }
    places = (("a", "one"), ("a", "two"), ("b", "one"))
    return [audit(name, "", file=f"cases/jax/{file}.toml", **settings) for file, name in places]


def exhibition() -> Report:
    """Every part of the report at once."""
    skipped = audit("gpu", "needs a device", line=210, status="skipped", loss=None, error="needs torch")
    audits = [
        clean(),
        clean(mode="explicit"),
        ROW_5_IMPLICIT,
        ROW_5_EXPLICIT,
        many_accesses(),
        skipped,
        matrices(),
        *on_engines(),
        *(hostile(number, text) for number, text in enumerate(HOSTILE_TEXTS)),
    ]
    made = report(audits, exit=(1, "7 results with unexpected findings"), seconds=75.2)
    made.fixed = [
        FixedFinding(
            file=TIED, id="old", engine="torch", mode="implicit", code="AC104", slot="w", name="double"
        ),
        FixedFinding(
            file=TIED,
            id=HOSTILE_TEXTS[0],
            engine="jax",
            mode="explicit",
            code="AC109",
            slot=None,
            name="failed",
        ),
    ]
    made.origin = Origin(
        command=f"aliascheck run cases -k '{HOSTILE_TEXTS[0]}'",
        started="2026-01-02T03:04:05Z",
        python="3.13.1",
        numpy="2.3.0",
        platform="Linux x86_64",
        engines={"builtin": "0.1.0", "torch": "2.8.0", "jax": "0.9.0"},
    )
    return made

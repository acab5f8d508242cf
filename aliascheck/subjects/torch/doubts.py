"""What is known of why `.grad` of a torch module may be wrong, as what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aliascheck.memory import NOTHING, Path
from aliascheck.subjects.torch.places import stale_views
from aliascheck.subjects.torch.stage import Stage

STALE = (
    "make {view} anew: it is a view of memory that {base} has left, and what is read through it has its "
    "gradient credited to {base} all the same"
)
EMPTIED = (
    "look at the post-accumulate hook of {name}: it left {left} in .grad, as an optimizer that steps during "
    "backward does; audit the model before such hooks are registered, or in explicit mode"
)


def doubts_about(stage: Stage, grads: Sequence[Any]) -> dict[Path, str]:
    """Remedies by place, `grads` being what the members of the set got after `backward`."""
    doubts = {
        view.path: STALE.format(view=view.name, base=base.name) for view, base in stale_views(stage.places)
    }
    for place, grad in zip(stage.members, grads, strict=True):
        if getattr(stage.now(place), "_post_accumulate_grad_hooks", None) and not _holds(grad):
            left = "nothing" if grad is NOTHING else "zero"
            doubts[place.path] = EMPTIED.format(name=place.name, left=left)
    return doubts


def _holds(grad: Any) -> bool:
    return grad is not NOTHING and bool(np.any(grad))

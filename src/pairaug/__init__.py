"""pairaug: learn from a few image/mask pairs, synthesise many.

    check(source, **options)              -> what is in a data set
    fit_masks(source, **options)          -> path of the fitted mask generator
    fit_translator(source, **options)     -> path of the fitted translator
    synthesize(out, count, **options)     -> path of the augmented set
    verify(out)                           -> what differs from its manifest
    evaluate(real, synthetic, **options)  -> what the new pairs are worth
    list_models()                         -> the models and their settings

The options are the flags of the commands: ``--per-mask 2`` is ``per_mask=2``, ``--set base=32`` is
``set={"base": 32}``. What cannot be raises a ``PairaugError``. ``fit_mask_generator`` is the earlier name of
``fit_masks``. The functions are imported when they are first used, so that ``import pairaug`` stays free of torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pairaug.errors import PairaugError
from pairaug.reporting import Reporter

if TYPE_CHECKING:
    from pairaug.api.calls import EvaluationResult as EvaluationResult
    from pairaug.api.calls import check as check
    from pairaug.api.calls import evaluate as evaluate
    from pairaug.api.calls import fit_masks as fit_mask_generator
    from pairaug.api.calls import fit_masks as fit_masks
    from pairaug.api.calls import fit_translator as fit_translator
    from pairaug.api.calls import folds as folds
    from pairaug.api.calls import list_models as list_models
    from pairaug.api.calls import synthesize as synthesize
    from pairaug.api.calls import verify as verify

__version__ = "0.1.0"
__all__ = [
    "EvaluationResult",
    "PairaugError",
    "Reporter",
    "__version__",
    "check",
    "evaluate",
    "fit_mask_generator",
    "fit_masks",
    "fit_translator",
    "folds",
    "list_models",
    "synthesize",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from pairaug.api import calls

        return getattr(calls, {"fit_mask_generator": "fit_masks"}.get(name, name))
    raise AttributeError(f"module 'pairaug' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

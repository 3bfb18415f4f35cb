"""pairaug: learn from a few image/mask pairs, synthesise many.

The Python API is four functions, imported when they are first used so that ``import pairaug`` stays free of torch:

    fit_mask_generator(source, ...)   -> Path of the fitted mask generator
    fit_translator(source, ...)       -> Path of the fitted translator
    synthesize(out, count, ...)       -> Path of the augmented data set
    evaluate(real, synthetic, ...)    -> Evaluation: what the new pairs are worth
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pairaug.evaluation.evaluate import evaluate as evaluate
    from pairaug.synthesis.run import synthesize as synthesize
    from pairaug.training.fit import fit_mask_generator as fit_mask_generator
    from pairaug.training.fit import fit_translator as fit_translator

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "fit_mask_generator", "fit_translator", "synthesize"]

_LAZY = {
    "evaluate": "pairaug.evaluation.evaluate",
    "fit_mask_generator": "pairaug.training.fit",
    "fit_translator": "pairaug.training.fit",
    "synthesize": "pairaug.synthesis.run",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pairaug' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

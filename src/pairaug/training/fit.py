"""Fitting: from a source of pairs to a fitted model in its folder. This is the Python API behind the two fit commands.

from pairaug import fit_translator
fit_translator("./drive", FitOptions(epochs=30))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pairaug.fitted.identity import Identity, run_identity
from pairaug.fitted.model_file import FOLDERS, MODEL_FILE
from pairaug.machine.device import choose_device
from pairaug.machine.precision import choose_precision, name_of
from pairaug.machine.ranks import Ranks, joined
from pairaug.models.base import Shape, build_config
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.source import Selection
from pairaug.registry import Kind, ModelEntry
from pairaug.reporting import Reporter
from pairaug.training.bare import Bare, bare_of, open_bare
from pairaug.training.choice import settled_model
from pairaug.training.objectives.base import count_trained
from pairaug.training.plan import (
    FitOptions,
    asked_model,
    checked_source,
)
from pairaug.training.run import Run


def fit_mask_generator(
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Fit a mask generator on a folder of masks or of pairs; returns the path of its file."""
    return fit("masks", source, options, selection=selection, policy=policy, lines=lines, reporter=reporter)[0]


def fit_translator(
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Fit a translator on a data set of pairs; returns the path of its file."""
    return fit("translator", source, options, selection=selection, policy=policy, lines=lines, reporter=reporter)[0]


def fit(
    kind: Kind,
    source: str | Path,
    options: FitOptions | None = None,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
    held_out: Sequence[CheckedPair] = (),
) -> tuple[Path, Checked]:
    """Fit a model of ``kind``; returns its path and the data set as it was checked.

    ``held_out``: pairs of the same source of which nothing may be seen, not in images without masks either.
    """
    with joined() as ranks:
        options = options or FitOptions()
        speaker = (reporter if ranks.first else None) or Reporter()
        asked = asked_model(kind, options)
        if asked is not None:  # refuses a wrong setting before the data are loaded
            build_config(asked.load().Config, options.settings)
        checked = ranks.told(
            lambda: checked_source(kind, source, selection or Selection(), policy or CheckPolicy(), lines, speaker)
        )
        choice = settled_model(kind, options, checked)
        if choice.reason:
            speaker.note(choice.reason)
        entry = choice.entry
        if options.tensorboard is not None and not entry.trains:
            speaker.warn(f"--tensorboard: {entry.name} has nothing to train, so there is nothing to log")
        config = build_config(entry.load().Config, options.settings)
        shape = working_shape(kind, entry, options, checked)
        bare = ranks.told(lambda: _bare(options, checked, selection or Selection(), policy or CheckPolicy(), held_out))
        identity = _identity(entry, config, shape, checked, options, ranks, bare)
        folder = Path(options.models) / FOLDERS[kind]
        work = Run(kind, entry, config, shape, checked, folder, identity, {}, options, speaker, ranks, bare)
        with ExitStack() as held:
            facts = ranks.told(lambda: work.opened(held, str(source)))
            if facts is not None:
                work.facts.update(facts)
                work.run()
        return folder / MODEL_FILE, checked


def _bare(
    options: FitOptions, checked: Checked, selection: Selection, policy: CheckPolicy, held_out: Sequence[CheckedPair]
) -> Bare | None:
    if options.unlabelled is None:
        return None
    images = open_bare(options.unlabelled, checked, selection, policy)
    return bare_of(str(options.unlabelled), images, checked, held_out)


def _identity(
    entry: ModelEntry,
    config: Any,
    shape: Shape,
    checked: Checked,
    options: FitOptions,
    ranks: Ranks,
    bare: Bare | None,
) -> Identity:
    images = bare.digests if bare else ()
    if not entry.trains:
        return run_identity(checked, model=entry.name, settings=asdict(config), seed=options.seed, images=images)
    device = choose_device(options.device)
    return run_identity(
        checked,
        model=entry.name,
        settings=asdict(config),
        seed=options.seed,
        size=(shape.height, shape.width),
        batch_size=options.batch_size,
        device=device.type,
        precision=name_of(choose_precision(options.precision, device)),
        ranks=ranks.count,
        images=images,
    )


def working_shape(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> Shape:
    size = options.size or entry.size
    return Shape(checked.label_map.classes, checked.channels if kind == "translator" else 0, size, size)


def parameters_as_asked(kind: Kind, entry: ModelEntry, options: FitOptions, checked: Checked) -> int:
    """Weights of the networks with the settings asked for. Raises UsageError for a setting that cannot be."""
    config = build_config(entry.load().Config, options.settings)
    shape = working_shape(kind, entry, options, checked)
    return sum(count_trained(entry.load(), entry.load_objective(), config, shape).values())

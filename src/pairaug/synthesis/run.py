"""Synthesis: the Python API behind ``pairaug synthesize``.

from pairaug import synthesize
synthesize("./augmented", SynthesisOptions(count=1000))
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import OutputError, UsageError
from pairaug.files import clear_temporaries, folder_lock, probe_output
from pairaug.interruption import Interruption
from pairaug.models.base import Translator
from pairaug.pairs.checking import Checked, CheckPolicy, check_pairs, same_labels
from pairaug.pairs.labels import LabelMap, value_for_json
from pairaug.pairs.source import find_masks
from pairaug.reporting import Reporter
from pairaug.synthesis.manifest import Ledger
from pairaug.synthesis.rendering import GeneratedMasks, GivenMasks, Renderer, changed_mask_formats
from pairaug.training.device import use_threads
from pairaug.training.model_file import FOLDERS, FittedModel, load_model
from pairaug.training.plan import DEFAULT_MODELS, default_threads
from pairaug.training.run_folder import RUN_FILE

DEFAULT_COUNT = 100
_WRITERS = 2


@dataclass(frozen=True)
class SynthesisOptions:
    """What to make. ``count`` None: 100, or one for each mask of ``masks_from``.

    ``masks_from``: a folder of masks to paint instead of generated ones; ``per_mask``: images for each mask;
    ``batch_size``: pairs in work at once, at least the threads; neither it nor ``threads`` changes a byte.
    """

    count: int | None = None
    models: Path = Path(DEFAULT_MODELS)
    seed: int = 0
    masks_from: Path | None = None
    per_mask: int = 1
    batch_size: int = 4
    threads: int | None = None
    overwrite: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)


def synthesize(out: str | Path, options: SynthesisOptions | None = None, *, reporter: Reporter | None = None) -> Path:
    """Write an augmented data set to ``out``; returns its path. The same call continues an interrupted run."""
    return synthesize_rows(out, options, reporter=reporter)[0]


def synthesize_rows(
    out: str | Path, options: SynthesisOptions | None = None, *, reporter: Reporter | None = None
) -> tuple[Path, list[dict[str, Any]]]:
    """As ``synthesize``; also the manifest rows in index order."""
    options, reporter, out = options or SynthesisOptions(), reporter or Reporter(), Path(out)
    _check_numbers(options)
    given = check_pairs(find_masks(options.masks_from), CheckPolicy()) if options.masks_from else None
    translator = load_model(Path(options.models) / FOLDERS["translator"], "translator")
    masks = _mask_source(options, given, translator, reporter)
    count = _count(options, given)
    assert isinstance(translator.network, Translator)
    if options.per_mask > 1 and not translator.network.many_per_mask:
        raise UsageError(f"--per-mask {options.per_mask}: {translator.name} knows one image for a mask; leave it at 1")
    _refuse_out_at_inputs(out, options)
    for name in changed_mask_formats(translator.pairs):
        reporter.note(f"{name} cannot hold label values exactly; the masks are written as PNG")
    identity = {
        "seed": options.seed,
        "per_mask": options.per_mask,
        "masks": masks.fitted.digest if isinstance(masks, GeneratedMasks) else masks.checked.digest,
        "translator": translator.digest,
        "pairaug": __version__,
    }
    with folder_lock(out):
        clear_temporaries(out)
        ledger = Ledger(out, identity, overwrite=options.overwrite)
        if max(ledger.rows, default=-1) >= count:
            raise OutputError(
                f"{out}: already holds {max(ledger.rows) + 1} pairs, more than --count {count}; choose another --out"
            )
        if ledger.complete and len(ledger.rows) == count:
            reporter.note("already complete")
            return out, [ledger.rows[index] for index in range(count)]
        if ledger.rows:
            reporter.note(f"{len(ledger.rows)} of {count} pairs are there already")
        probe_output(out, _bytes_expected(translator, count - len(ledger.rows)))
        ledger.begin()
        renderer = Renderer(masks, translator, options.seed, options.per_mask)
        _make_missing(renderer, ledger, count, options, reporter)
        ledger.finish(_manifest(options, count, translator, masks, given))
    return out, [ledger.rows[index] for index in range(count)]


def _check_numbers(options: SynthesisOptions) -> None:
    named = (("count", options.count), ("per-mask", options.per_mask), ("batch-size", options.batch_size))
    for name, value in (*named, ("threads", options.threads)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: must be 1 or more")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: must be 0 or more")


def _mask_source(
    options: SynthesisOptions, given: Checked | None, translator: FittedModel, reporter: Reporter
) -> GeneratedMasks | GivenMasks:
    if given is not None:
        return GivenMasks(given, LabelMap(translator.label_values))
    fitted = load_model(Path(options.models) / FOLDERS["masks"], "masks")
    same_labels(fitted.label_values, translator.label_values)
    ours = {pair.mask_sha256 for pair in fitted.pairs}
    if ours.isdisjoint(pair.mask_sha256 for pair in translator.pairs):
        reporter.warn("the mask model and the translator were fitted on different data: they share no training mask")
    return GeneratedMasks(fitted)


def _count(options: SynthesisOptions, given: Checked | None) -> int:
    if given is None:
        return options.count or DEFAULT_COUNT
    most = len(given.pairs) * options.per_mask
    if options.count is not None and options.count > most:
        raise UsageError(f"--count {options.count}: --masks-from holds {len(given.pairs)} masks, enough for {most}")
    return options.count or most


def _refuse_out_at_inputs(out: Path, options: SynthesisOptions) -> None:
    """The output may not lie in, or around, the models, the given masks or the data that the models saw."""
    models = Path(options.models)
    inputs = [("the models", models)]
    if options.masks_from:
        inputs.append(("--masks-from", options.masks_from))
    for folder in FOLDERS.values():
        root = _data_root(models / folder)
        if root is not None:
            inputs.append(("the training data", root))
    here = out.resolve()
    for name, path in inputs:
        there = path.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise OutputError(f"{out}: lies inside or around {name} ({path}); choose another --out")


def _data_root(folder: Path) -> Path | None:
    """Where the data of a fit lie, as its ``run.json`` says; None where that is not known."""
    try:
        return Path(json.loads((folder / RUN_FILE).read_text())["source"]["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make_missing(
    renderer: Renderer, ledger: Ledger, count: int, options: SynthesisOptions, reporter: Reporter
) -> None:
    """Render what is not there yet. Each pair is rendered by one thread; others render, encode and write meanwhile."""
    threads = options.threads or default_threads()
    # One thread inside each operation: its result then does not depend on how many there are.
    use_threads(1)
    missing = iter([index for index in range(count) if index not in ledger.rows])
    in_work = max(options.batch_size, threads) + _WRITERS
    with (
        Interruption(reporter.warn) as interruption,
        ThreadPoolExecutor(threads) as renderers,
        ThreadPoolExecutor(_WRITERS) as writers,
    ):
        running: set[Future[Any]] = set()
        written: set[Future[Any]] = set()
        try:
            while True:
                if not interruption.signal:
                    running |= {renderers.submit(renderer.render, i) for i in _take(missing, in_work - len(running))}
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    made = future.result()
                    written.add(writers.submit(ledger.add, made.image, made.mask, made.row))
                if len(written) > in_work:  # writing falls behind and holds rendering back: memory stays flat
                    wait(written, return_when=FIRST_COMPLETED)
                for future in [future for future in written if future.done()]:
                    written.discard(future)
                    future.result()
                reporter.progress(len(ledger.rows), count, "pairs")
            for future in written:
                future.result()
        except BaseException:
            renderers.shutdown(cancel_futures=True)
            writers.shutdown(cancel_futures=True)
            raise
        if interruption.signal:
            raise interruption.error(f"{len(ledger.rows)} of {count} pairs are written")
    reporter.end_progress()


def _take(source: Iterator[int], most: int) -> Iterator[int]:
    for _ in range(most):
        index = next(source, None)
        if index is None:
            return
        yield index


def _bytes_expected(translator: FittedModel, count: int) -> int:
    """An upper estimate: uncompressed images, and masks at a tenth of that."""
    pixels = sum(pair.size[0] * pair.size[1] for pair in translator.pairs) / len(translator.pairs)
    depth = 2 if translator.intensity[1] > 255 else 1
    return int(count * pixels * (translator.shape.channels * depth * 0.8 + 0.1))


def _manifest(
    options: SynthesisOptions,
    count: int,
    translator: FittedModel,
    masks: GeneratedMasks | GivenMasks,
    given: Checked | None,
) -> dict[str, Any]:
    """What determines the content, and nothing that does not (threads, places): equal sets have equal manifests."""
    config = {"count": count, "seed": options.seed, "per_mask": options.per_mask, "masks_from": given is not None}
    words = ["pairaug", "synthesize", "--count", str(count), "--seed", str(options.seed)]
    if options.per_mask > 1:
        words += ["--per-mask", str(options.per_mask)]
    if given is not None:
        words += ["--masks-from", "DIR"]
    used: dict[str, Any] = {"translator": _model_facts(translator)}
    if isinstance(masks, GeneratedMasks):
        used["masks"] = _model_facts(masks.fitted)
    else:
        used["masks"] = {"given": len(masks.checked.pairs), "sha256": masks.checked.digest}
    return {
        "version": __version__,
        "command": " ".join(words),
        "config": {
            name: {"value": value, "origin": options.origins.get(name, "default")} for name, value in config.items()
        },
        "models": used,
        "label_values": [value_for_json(value) for value in translator.label_values],
        "layout": translator.info.get("layout", ""),
        "mask_formats_changed_to_png": changed_mask_formats(translator.pairs),
        "counts": {"asked": count, "pairs": count, "rejected": 0},
        "rejects": [],
    }


def _model_facts(fitted: FittedModel) -> dict[str, Any]:
    return {
        "name": fitted.name,
        "sha256": fitted.digest,
        "pairs_sha256": fitted.info["pairs_digest"],
        "data_sha256": fitted.info["data_digest"],
        "trained_on": [pair.image_sha256 or pair.mask_sha256 for pair in fitted.pairs],
        "contains_training_masks": bool(fitted.info.get("contains_training_masks")),
        "seed": fitted.info.get("seed"),
        "images_seen": fitted.info.get("images_seen"),
        "config": fitted.info["config"],
    }

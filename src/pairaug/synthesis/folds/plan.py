"""What a set in folds consists of: the originals, then the pairs of all folds in turns, so that it can be extended.

Enters: the fitted models of each fold, all originals, and which fold validates on which. Leaves: a ``Plan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import DataError
from pairaug.fitted.model_file import FOLDERS, FittedModel, TrainedPair, load_model
from pairaug.machine.device import choose_device
from pairaug.machine.randomness import derive
from pairaug.pairs.checked import Checked, CheckedPair
from pairaug.pairs.labels import show_values
from pairaug.synthesis.ancestry import Ancestry
from pairaug.synthesis.assembling import Plan
from pairaug.synthesis.drafts import GeneratedMasks
from pairaug.synthesis.folds.dealing import Deal
from pairaug.synthesis.formats import open_format
from pairaug.synthesis.formats.base import Format, Place
from pairaug.synthesis.gating import gates_wanted
from pairaug.synthesis.kept_names import kept_places
from pairaug.synthesis.options import DEFAULT_COUNT, SynthesisOptions
from pairaug.synthesis.originals import Originals
from pairaug.synthesis.provenance import manifest_body, models_used
from pairaug.synthesis.rendering import Renderer
from pairaug.synthesis.rows import Gap, Outcome
from pairaug.synthesis.run import SYNTHESIS_VERSION, identity_of_options, refuse_own_names
from pairaug.synthesis.shards import shard_name
from pairaug.synthesis.splits import splits_by_fold


def plan_of_folds(options: SynthesisOptions, models: Sequence[Path], checked: Checked, dealt: Deal) -> Plan:
    """``models[fold]``: where those of a fold lie; ``options.count``: new pairs for each fold.

    Raises DataError where a fold's originals lack label values or colour that others have.
    """
    translators = [load_model(folder / FOLDERS["translator"], "translator") for folder in models]
    _refuse_unlike(translators, checked)
    pairs = [_trained(item, group) for item, group in zip(checked.pairs, dealt.groups, strict=True)]
    whole = replace(translators[0], pairs=tuple(pairs), intensity=checked.intensity, beside=())
    output_format = open_format(options.format, whole, options.wishes)
    originals = _originals(checked, pairs, dealt, output_format)
    masters = [
        _Fold.of(fold, options, folder, translator, originals.places, dealt, output_format)
        for fold, (folder, translator) in enumerate(zip(models, translators, strict=True))
    ]
    for one in masters:
        refuse_own_names(output_format, originals, one.renderer.prefix)
    return _Making(options, originals, tuple(masters), dealt).plan()


@dataclass(frozen=True)
class _Fold:
    """Who makes the pairs of one fold, and what is to be said of its gates."""

    renderer: Renderer
    remarks: tuple[str, ...]

    @classmethod
    def of(
        cls,
        fold: int,
        options: SynthesisOptions,
        models: Path,
        translator: FittedModel,
        places: Sequence[Place],
        dealt: Deal,
        output_format: Format,
    ) -> _Fold:
        device = choose_device(options.device)
        translator.network.to(device)
        masks = load_model(models / FOLDERS["masks"], "masks")
        seen = dealt.training(fold)
        names, groups = [places[place].image_name for place in seen], [dealt.groups[place] for place in seen]
        judges = gates_wanted(replace(options, models=models), masks, translator)
        renderer = Renderer(
            GeneratedMasks(masks),
            translator,
            output_format,
            Ancestry(translator, masks, names, groups=groups),
            derive(options.seed, "fold", fold),
            options.per_mask,
            prefix=f"fold{fold}_{options.prefix}",
            gates=judges.gates,
            device=device,
        )
        return cls(renderer, tuple(f"fold {fold}: {remark}" for remark in judges.remarks))


@dataclass(frozen=True)
class _Making:
    """Originals first; then pair 0 of each fold, pair 1 of each fold, and so on."""

    options: SynthesisOptions
    originals: Originals
    folds: tuple[_Fold, ...]
    dealt: Deal

    def plan(self) -> Plan:
        each = DEFAULT_COUNT if self.options.count is None else self.options.count
        config = {"count": each, "folds": len(self.folds), **identity_of_options(self.options)}
        if isinstance(self.options.gates, str):
            config["gates"] = self.options.gates
        output_format = self.originals.format
        facts = manifest_body(config, self.options.origins, output_format, self._used())
        facts["gates"] = [
            {"fold": fold, **gate} for fold, one in enumerate(self.folds) for gate in one.renderer.gates.manifest()
        ]
        remarks = tuple(remark for one in self.folds for remark in one.remarks)
        count, originals = each * len(self.folds), len(self.originals.pairs)
        return Plan(
            self.render, output_format, originals, count, self._identity(), facts, remarks, splits=splits_by_fold
        )

    def render(self, indices: Sequence[int]) -> list[Outcome]:
        first = len(self.originals.pairs)
        outcomes: list[Outcome] = []
        for index in indices:
            if index < first:
                made = self.originals.take(index)
                outcomes.append(replace(made, row={**made.row, "fold": self.dealt.fold_of[index]}))
        for fold, one in enumerate(self.folds):
            mine = [index for index in indices if index >= first and (index - first) % len(self.folds) == fold]
            made_here = one.renderer.render([(index - first) // len(self.folds) for index in mine])
            outcomes += [self._placed(outcome, index, fold) for outcome, index in zip(made_here, mine, strict=True)]
        return outcomes

    def _placed(self, outcome: Outcome, index: int, fold: int) -> Outcome:
        """What a fold made, at its ``index`` in the whole set."""
        if isinstance(outcome, Gap):
            return replace(outcome, index=index)
        row = {**outcome.row, "index": index, "fold": fold}
        if "shard" in row:
            row["shard"] = shard_name(index, len(self.originals.pairs))
        return replace(outcome, row=row)

    def _used(self) -> dict[str, Any]:
        return {
            f"{kind}_fold_{fold}": facts
            for fold, one in enumerate(self.folds)
            for kind, facts in models_used(one.renderer.translator, one.renderer.masks).items()
        }

    def _identity(self) -> dict[str, Any]:
        renderers = [one.renderer for one in self.folds]
        masks = [one.masks.fitted.digest for one in renderers if isinstance(one.masks, GeneratedMasks)]
        return {
            "synthesis_version": SYNTHESIS_VERSION,
            **identity_of_options(self.options),
            "folds": len(renderers),
            "masks": masks,
            "translator": [one.translator.digest for one in renderers],
            "gates": [one.gates.identity() for one in renderers],
            "fold_of": list(self.dealt.fold_of),
            "device": renderers[0].device.type,
            "pairaug": __version__,
        }


def _originals(checked: Checked, pairs: Sequence[TrainedPair], dealt: Deal, output_format: Format) -> Originals:
    paths = [(item.pair.image, item.pair.masks) for item in checked.pairs]
    places = kept_places(output_format, pairs, paths)
    return Originals(checked.root, pairs, paths, places, dealt.groups, checked.policy, output_format)


def _trained(item: CheckedPair, group: int) -> TrainedPair:
    return TrainedPair(
        item.image_digest,
        item.mask_digest,
        item.size,
        item.pair.image_template,
        item.pair.mask_template,
        item.image_form,
        item.mask_form,
        group,
        item.pair.glued,
        item.mask_parts,
        item.pair.mask_labels,
    )


def _refuse_unlike(translators: Sequence[FittedModel], checked: Checked) -> None:
    for fold, translator in enumerate(translators):
        wanted, found = checked.label_map.values, translator.label_values
        if found != wanted:
            raise DataError(
                f"fold {fold}: without the originals that it validates on the masks hold {show_values(found)}, not "
                f"{show_values(wanted)}; give fewer --folds, or another --seed to deal them otherwise"
            )
        if translator.shape.channels != checked.channels:
            raise DataError(
                f"fold {fold}: without the originals that it validates on no image has colour; give fewer --folds, "
                "or another --seed to deal them otherwise"
            )

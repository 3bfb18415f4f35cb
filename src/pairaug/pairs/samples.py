"""A folder for each sample (``p7/p7.jpg``, ``p7/liver.png``), or for its masks (``images/p7.png``, ``masks/p7/*``).

Enters: files described by their words. Leaves: the same files with the sample as key and, where a sample has a folder
for all its files, the rest of their names as series; unchanged where the folders are not alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from pairaug.pairs.naming import File, composed
from pairaug.pairs.words import Role

# A series is a name that so large a share of the samples has.
_COMMON_SHARE = 0.5


def by_samples(files: Sequence[File]) -> list[File]:
    """The files as samples; unchanged where fewer than two folders hold at least two files of recurring names."""
    named = {file.path: _rest(file) for file in files}
    folders: dict[str, list[File]] = defaultdict(list)
    for file in files:
        folders[file.folder].append(file)
    samples = {folder for folder, inside in folders.items() if folder and len(inside) > 1}
    counts = Counter(named[file.path][1] for folder in samples for file in folders[folder])
    recurring = {rest for rest, count in counts.items() if count >= max(2, _COMMON_SHARE * len(samples))}
    if len(samples) < 2 or len(recurring) < 2:
        return list(files)
    return [_in_sample(file, *named[file.path]) if file.folder in samples else file for file in files]


def by_mask_folders(files: Sequence[File]) -> list[File]:
    """The files of a folder that is called as an image elsewhere are its masks; unchanged where there is none."""
    stems = Counter(file.stem for file in files if file.role in (Role.IMAGE, Role.NONE))
    found: list[File] = []
    for file in files:
        stem, (parent, _, sample) = file.stem, file.folder.rpartition("/")
        if file.role is not Role.OTHER and stems[sample] == 1 and sample != stem:
            key = ("", "", composed(sample))
            found.append(
                file._replace(role=Role.MASK, key=key, series=f"masks in {parent}", core="", prefix="", suffix=stem)
            )
        elif file.role in (Role.IMAGE, Role.NONE) and stems[stem] == 1:
            found.append(file._replace(key=("", "", composed(stem)), core=stem, prefix="", suffix=""))
        else:
            found.append(file)
    return found


def _rest(file: File) -> tuple[str, str]:
    """The sample's name and what a stem adds: ``p7/p7_seg.png`` -> ("p7", "_seg"); ``p7/ct.png`` -> ("", "ct")."""
    sample, stem = file.folder.rpartition("/")[2], file.stem
    return (sample, stem[len(sample) :]) if sample and stem.startswith(sample) else ("", stem)


def _in_sample(file: File, sample: str, rest: str) -> File:
    if file.role is Role.OTHER:
        return file
    core, suffix = (sample, rest) if sample else ("", rest)
    return file._replace(
        key=(file.folder, file.key[1], ""),
        series=f"sample {rest}",
        core=core,
        prefix="",
        suffix=suffix,
        words=(rest,),
    )

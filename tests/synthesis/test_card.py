"""The card of a data set says what it is, and what it must not be used for, in the same bytes each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pairaug.synthesis.card import CARD, NOT_EVALUATED, card, with_worth
from pairaug.synthesis.rows import is_row
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import contents
from tests.synthesis.two_pairs import fit_both, rows_of

FACTS = {
    "version": "1.2",
    "command": "pairaug synthesize --count 1",
    "license": None,
    "terms": [],
    "format": {"name": "nnunet", "class_values": {"0": 0, "1": 255}},
    "class_names": ["a|b"],
    "label_values": [0, 255],
    "models": {
        "translator": {"name": "t", "sha256": "ab" * 32, "keeps": "nothing", "seen": [{"image_sha256": "1"}] * 2},
        "masks": {"given": 3, "sha256": "cd" * 32},
    },
    "counts": {"asked": 1, "pairs": 1, "originals": 0, "rejected": 2},
}
ROW = {
    "file_name": "images/1.png",
    "mask_file_name": "masks/1.gif",
    "origin": "synthetic",
    "size": [5, 4],
    "class_pixels": {"0": 15, "255": 5},
}


def test_a_card_counts_names_its_source_and_says_what_it_is_not_for() -> None:
    text = card(FACTS, [ROW])
    for said in (
        "# 1 synthetic image/mask pairs\n",
        "| width x height | 5 x 4 |",
        "| class a/b | 1 in the masks, 25.0% of all pixels |",
        "1 real pairs, which `manifest.json` names by their digests. No licence lay beside the real pairs.",
        "    pairaug synthesize --count 1\n",
        "* translator: `t`, SHA-256 abababababab..., which keeps none of the training pairs",
        "* masks: 3 masks that were given",
        "* 2 drawings were rejected by the gates",
        "Not evaluated when this was written",
        "**Validation and tests.**",
        'path: ["metadata.jsonl", "**/*.gif", "**/*.png"]',
    ):
        assert said in text, said
    assert "license" not in text.split("---")[1]


@pytest.mark.parametrize(
    ("license", "lines"),
    [
        ("CC BY 4.0", ["license: cc-by-4.0"]),
        ("ask: me", ["license: other", 'license_name: "ask: me"']),
        ("x\n---\ny", ["license: other", 'license_name: "x\\n---\\ny"']),
    ],
)
def test_the_licence_stands_in_the_head_by_its_name_on_the_hub_or_as_given(license: str, lines: list[str]) -> None:
    assert card({**FACTS, "license": license}, [ROW]).splitlines()[1 : 1 + len(lines)] == lines


def test_a_verdict_takes_the_place_of_none_whatever_words_the_user_has_put_into_the_card() -> None:
    words = "x\n\n## Worth\n\ny\n\n## Not for\n\nz"
    text = card({**FACTS, "license": words, "command": f"pairaug synthesize --license '{words}'"}, [ROW])
    assert text.count("\n## Worth\n") == 1
    assert with_worth(text, "good") == text.replace(NOT_EVALUATED, "good")
    assert with_worth(with_worth(text, "good"), NOT_EVALUATED) == text


def test_a_set_in_tar_files_can_be_loaded_by_kind() -> None:
    rows = [{**ROW, "shard": f"{kind}-000000.tar", "origin": kind} for kind in ("original", "synthetic")]
    head = card(FACTS, rows).split("---")[1]
    assert [line.split()[-1] for line in head.splitlines() if "path:" in line] == [
        '["*.tar"]',
        '["original-*.tar"]',
        '["synthetic-*.tar"]',
    ]


def test_the_card_names_the_terms_of_the_source_but_no_place_and_changes_with_the_set(
    data: Path, tmp_path: Path
) -> None:
    (data / "LICENSE").write_bytes(b"only for teaching")
    models = fit_both(data, tmp_path / "models")
    for out in ("one", "two"):
        synthesize(tmp_path / out, SynthesisOptions(1, models, include_originals=True))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    text = (tmp_path / "one" / CARD).read_text()
    assert f"`LICENSE` (SHA-256 {hashlib.sha256(b'only for teaching').hexdigest()[:12]}...)" in text
    assert "They are part of this set." in text
    assert str(tmp_path) not in text
    synthesize(tmp_path / "one", SynthesisOptions(2, models, include_originals=True))
    assert "# 2 synthetic image/mask pairs and 2 originals" in (tmp_path / "one" / CARD).read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [("class_pixels", {"0": "1"}), ("class_pixels", None), ("class_pixels", {"0": -1}), ("size", [3]), ("size", [])],
)
def test_a_row_of_which_no_card_can_be_written_is_made_again(
    fitted: Path, tmp_path: Path, key: str, value: object
) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(1, fitted))
    (row,) = rows_of(tmp_path / "out")
    assert is_row(row)
    assert not is_row({**row, key: value})

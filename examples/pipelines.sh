#!/usr/bin/env bash
# What people build from pairaug in a shell. Usage: examples/pipelines.sh DATA OUT
# DATA holds images/ and masks/; everything is written below OUT. Extra options for the two fits: FIT="--epochs 1".
set -euo pipefail
data=$1 out=$2
mkdir -p "$out"
export PAIRAUG_MODELS="$out/models"

# The three commands.
pairaug fit-masks "$data/masks"
pairaug fit-translator "$data" ${FIT:-}
pairaug synthesize --count 6 --out "$out/augmented"

# stdout is data: a command that makes something prints its path, so commands nest.
pairaug verify "$(pairaug synthesize --count 6 --out "$out/augmented" --quiet)"

# Any layout can be piped in as a list of pairs: image TAB mask.
paste <(ls -d "$data"/images/*) <(ls -d "$data"/masks/*) | pairaug check -

# Only some of the pairs, chosen by the shell.
paste <(ls -d "$data"/images/*) <(ls -d "$data"/masks/*) | head -n 3 > "$out/three.txt"
pairaug check --list "$out/three.txt" --json > "$out/three.json"

# The manifest is JSON lines: keep the pairs with the largest foreground, as a list for the next tool.
python3 - "$out/augmented" > "$out/largest.txt" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(f"{sys.argv[1]}/metadata.jsonl")]
rows.sort(key=lambda row: sum(list(row["class_pixels"].values())[1:]), reverse=True)
for row in rows[:3]:
    print(f"{sys.argv[1]}/{row['file_name']}\t{sys.argv[1]}/{row['mask_file_name']}")
PYTHON
pairaug check --list "$out/largest.txt"

# A dry run says what would happen; a larger count extends a set; a clash is an exit code, not a question.
pairaug synthesize --count 1000 --out "$out/augmented" --dry-run
pairaug synthesize --count 8 --out "$out/augmented" --quiet
pairaug synthesize --count 8 --seed 1 --out "$out/augmented" --quiet || echo "refused with exit code $?"

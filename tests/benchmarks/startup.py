"""How long ``pairaug --help`` takes beside importing the two libraries it is made of."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15


def main() -> None:
    commands = {
        "help": [str(Path(sys.executable).with_name("pairaug")), "--help"],
        "imports": [sys.executable, "-c", "import typer, rich"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    facts = {f"{name}_seconds": round(value, 3) for name, value in medians.items()}
    print(json.dumps({**facts, "ratio": round(medians["help"] / medians["imports"], 2)}))


if __name__ == "__main__":
    main()

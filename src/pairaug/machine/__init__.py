"""The machine that a run is on: devices, threads, workers, ranks, random streams, signals."""

"""``python -m pairaug`` is the command ``pairaug``."""

from pairaug.cli.app import run

if __name__ == "__main__":
    run()

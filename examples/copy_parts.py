"""Copy the part files of the examples into a folder, to train on or to change.

python -m assembly_rl.examples.copy_parts examples/parts
assembly-rl-part examples/parts/two_pin_plug.yaml
"""

import argparse
import os
import sys
from importlib import resources
from pathlib import Path


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m assembly_rl.examples.copy_parts",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="folder to copy to; nothing in it is overwritten")
    folder: Path = parser.parse_args().folder

    files = sorted(resources.files(__package__).joinpath("parts").iterdir(), key=lambda file: file.name)
    for file in files:
        if os.path.lexists(folder / file.name):
            sys.exit(f"{folder / file.name} exists; nothing is overwritten: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / file.name).write_bytes(file.read_bytes())
            print(folder / file.name)
    except OSError as error:
        sys.exit(f"{folder} cannot be written: {error}")


if __name__ == "__main__":
    main()

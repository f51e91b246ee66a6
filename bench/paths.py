"""Makes the project importable, here and in child processes."""

import os
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def set_paths() -> None:
    """Add the project's folders to the path."""
    folders = [str(ROOT), str(ROOT / "platform")]
    sys.path[:0] = folders
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)

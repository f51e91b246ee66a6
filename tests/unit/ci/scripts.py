"""The scripts in .ci/, imported as modules."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / ".ci"))
changes, check, fix, lint, steps = map(import_module, ("changes", "check", "fix", "lint", "steps"))

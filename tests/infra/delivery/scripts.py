"""Import the programs of .ci/, which are not a package."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tests.infra.charts import ROOT


def script(name: str) -> ModuleType:
    """Load a program of .ci/ as a module."""
    spec = spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

_SCRIPT = Path(__file__).parents[3] / ".ci" / "sizes.py"


@pytest.fixture(scope="module")
def sizes() -> ModuleType:
    spec = spec_from_file_location("sizes", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _function(lines: int) -> str:
    return "def long() -> None:\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        (_function(50), []),
        (_function(51), ["long has 51 lines"]),
        ("x = 1\n" * 400, []),
        ("x = 1\n" * 401, ["401 lines"]),
    ],
)
def test_files_and_functions_over_their_limit_are_named(
    sizes: ModuleType, tmp_path: Path, text: str, complaints: list[str]
) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    found = list(sizes.too_large(path))
    assert len(found) == len(complaints)
    assert all(part in line for part, line in zip(complaints, found, strict=True))


def test_the_script_checks_its_own_project(sizes: ModuleType) -> None:
    assert _SCRIPT in sizes.python_files()

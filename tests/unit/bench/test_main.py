"""`python -m bench` refuses invalid options before it measures anything."""

import pytest

from bench.__main__ import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fleet-seed", "7"), "name another folder by --results"),
        (("--fleet-seed", "-7", "--results", "elsewhere"), "argument --fleet-seed: invalid"),
        (("--only", "everything"), "invalid choice: 'everything'"),
    ],
)
def test_invalid_options_are_refused(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "fleet", *words])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err

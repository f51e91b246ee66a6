"""`python -m bench`: what its options refuse before anything is measured."""

import pytest

from bench.__main__ import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fleet-seed", "7"), "name another folder by --results"),
        (("--fleet-seed", "-7", "--results", "elsewhere"), "argument --fleet-seed: invalid"),
        (("--only", "everything"), "invalid choice: 'everything'"),
    ],
)
def test_options_that_would_measure_in_vain_are_refused(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "fleet", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err

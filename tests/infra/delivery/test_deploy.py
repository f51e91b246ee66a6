""".ci/deploy.py on real repositories: a digest reaches main once, in order, and never over a person's word."""

import re
from pathlib import Path

import pytest
import yaml

from tests.infra.charts import ANDEN, environment_values, render
from tests.infra.delivery.repository import BOT, FILE, ROOT, Repository

DIGESTS = tuple(f"sha256:{number:064x}" for number in range(4))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.made(tmp_path)


def tag_of(repository: Repository, commit: str) -> str:
    """The tag that the pipeline gives the image of this commit."""
    repository.checked_out(commit)
    code, tag, told = repository.deploy("due")
    assert (code, bool(tag)) == (0, True), told
    return tag


def delivered(repository: Repository, name: str, text: str, digest: str) -> str:
    """The tag of an image that a merge has brought to main."""
    tag = tag_of(repository, repository.merged(name, text))
    code, _, told = repository.deploy("commit", tag, digest)
    assert code == 0, told
    return tag


def test_the_first_image_is_committed_by_the_pipeline_and_asks_for_no_run(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    assert re.fullmatch(r"0\.1\.0-[0-9a-f]{12}", tag)
    assert f'tag: "{tag}"\n  digest: "{DIGESTS[1]}"' in repository.runs()
    assert repository.main("--format=%ae %ce") == f"{BOT} {BOT}"
    assert repository.main("--format=%s") == f"Run image {tag} [skip ci]"
    assert repository.main("--format=", "--name-only") == FILE


def test_the_chart_takes_what_the_pipeline_writes(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    written = yaml.safe_load(repository.runs())
    objects = render(ANDEN, *environment_values("dev"), written)
    web = next(each for each in objects if each["metadata"]["name"] == "anden-web" and each["kind"] == "Deployment")
    assert web["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f"/anden-dev:{tag}@{DIGESTS[1]}")


def test_the_file_of_this_repository_is_of_the_form_that_the_pipeline_reads() -> None:
    text = (ROOT / FILE).read_text(encoding="utf-8")
    assert re.fullmatch(
        r'# The release pipeline alone writes this file: which image runs\.\nimage:\n  tag: ".*"\n  digest: ".*"\n',
        text,
    )


def test_a_merge_that_changes_nothing_of_the_image_wants_no_image(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    repository.checked_out(repository.merged("docs/page.md", "words"))
    assert repository.deploy("due")[:2] == (0, "")
    assert tag_of(repository, repository.merged("requirements/base.txt", "one==1"))


def test_main_that_moved_meanwhile_keeps_what_came(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    later = repository.merged("docs/page.md", "words")
    assert repository.deploy("commit", tag, DIGESTS[1])[0] == 0
    assert repository.main("--format=%P") == later


def test_a_push_that_comes_too_late_is_made_again(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    race(repository)
    code, _, told = repository.deploy("commit", tag, DIGESTS[1])
    assert code == 0, told
    assert "tried 1 of 5" in told
    assert DIGESTS[1] in repository.runs()
    assert repository.main("--format=%s", "--skip=1") == "Overtake"


def race(repository: Repository) -> None:
    """Let somebody else push between the pipeline's commit and its first push."""
    hook = repository.pipeline / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\nrm '{hook}'\nunset GIT_DIR\ncd '{repository.person}' &&\n"
        "git pull --quiet --rebase origin main &&\n"
        "git -c user.name=Person -c user.email=person@example.org commit --quiet --allow-empty --message Overtake &&\n"
        "git push --quiet origin HEAD:main\n",
        encoding="utf-8",
    )
    hook.chmod(0o755)


def test_main_that_takes_no_push_is_named_with_the_way_out(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    before = repository.main("--format=%H")
    hook = repository.server / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\necho 'GH013: changes must be made through a pull request' >&2\nexit 1\n", encoding="utf-8"
    )
    hook.chmod(0o755)
    code, _, told = repository.deploy("commit", tag, DIGESTS[1])
    assert code == 1
    assert told.count("GH013") == 5
    assert "set the variable DEPLOY_BY to pull-request" in told
    assert repository.main("--format=%H") == before


def test_an_older_image_never_replaces_a_newer_one(repository: Repository) -> None:
    old = tag_of(repository, repository.merged("apps/first.py", "2"))
    new = delivered(repository, "apps/first.py", "3", DIGESTS[2])
    code, _, told = repository.deploy("commit", old, DIGESTS[1])
    assert code == 0
    assert f"main runs {new}, which is newer than {old}" in told
    assert DIGESTS[2] in repository.runs()


def test_the_same_image_twice_is_one_commit(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.main("--format=%H")
    assert repository.deploy("commit", tag, DIGESTS[1])[0] == 0
    assert repository.main("--format=%H") == before


def test_who_went_back_stays_there_until_the_image_s_content_changes(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.runs()
    delivered(repository, "apps/first.py", "3", DIGESTS[2])
    repository.checked_out(repository.merged(FILE, before + "\n"))
    assert repository.deploy("due")[:2] == (0, "")
    repository.checked_out(repository.merged("docs/page.md", "words"))
    assert repository.deploy("due")[:2] == (0, "")
    delivered(repository, "apps/first.py", "4", DIGESTS[3])
    assert DIGESTS[3] in repository.runs()


def test_an_image_that_was_on_its_way_does_not_undo_going_back(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.runs()
    delivered(repository, "apps/first.py", "3", DIGESTS[2])
    on_its_way = tag_of(repository, repository.merged("apps/first.py", "4"))
    back = repository.merged(FILE, before + "\n")
    code, _, told = repository.deploy("commit", on_its_way, DIGESTS[3])
    assert code == 1
    assert f"{back[:7]} has set the image by hand since" in told
    assert DIGESTS[1] in repository.runs()


def test_a_proposal_is_one_pull_request_that_moves_and_whose_checks_are_asked_for(
    repository: Repository, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    gh = programs / "gh"
    gh.write_text(
        '#!/bin/sh\necho "$*" >>"$0.said"\n'
        '[ "$1 $2" != "pr list" ] || if [ -e "$0.open" ]; then echo "[{\\"number\\":1}]"; else echo "[]"; fi\n'
        '[ "$1 $2" != "pr create" ] || touch "$0.open"\n',
        encoding="utf-8",
    )
    gh.chmod(0o755)
    path = f"{programs}:/usr/local/bin:/usr/bin:/bin"
    before = repository.main("--format=%H")
    for text, digest in (("2", DIGESTS[1]), ("3", DIGESTS[2])):
        before = repository.merged("apps/first.py", text)
        tag = tag_of(repository, before)
        code, _, told = repository.deploy("propose", tag, digest, PATH=path)
        assert code == 0, told
        assert digest in repository.runs("image")
    assert repository.main("--format=%H") == before
    assert repository.git(repository.server, "rev-list", "--count", "main..image") == "1"
    assert "[skip ci]" not in repository.git(repository.server, "log", "-1", "--format=%B", "image")
    said = Path(f"{gh}.said").read_text().splitlines()
    assert [line.split()[:2] for line in said] == [
        *(["pr", "list"], ["pr", "create"], ["workflow", "run"]),
        *(["pr", "list"], ["workflow", "run"]),
    ]
    assert said[-1] == "workflow run ci.yml --ref image"


@pytest.mark.parametrize(
    ("tag", "digest", "complaint"),
    [
        ("latest", DIGESTS[1], "'latest' is no tag"),
        ("0.1.0-0123456789ab", "sha256:1", "'sha256:1' is no digest"),
        ("0.1.0-0123456789ab", DIGESTS[1], "built from a commit that is not here"),
        ('0.1.0-0123456789ab"\n', DIGESTS[1], "is no tag"),
    ],
)
def test_what_is_no_image_is_refused_by_name(repository: Repository, tag: str, digest: str, complaint: str) -> None:
    code, _, told = repository.deploy("commit", tag, digest)
    assert code == 1
    assert complaint in told


def test_a_release_is_the_image_that_was_built_from_what_is_released(repository: Repository) -> None:
    repository.checked_out()
    assert "names no image that was built here" in repository.deploy("released")[2]
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    repository.checked_out(repository.merged("CHANGELOG.md", "## 0.2.0"))
    assert repository.deploy("released")[:2] == (0, DIGESTS[1])
    repository.checked_out(repository.merged("apps/first.py", "3"))
    code, _, told = repository.deploy("released")
    assert code == 1
    assert "was built from other content" in told

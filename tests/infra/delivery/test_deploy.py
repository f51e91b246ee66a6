""".ci/deploy.py on real repositories: a digest reaches main once, in order, and never overrides a manual change."""

import re
from pathlib import Path

import pytest
import yaml

from apps import __version__
from tests.infra.charts import ANDEN, environment_values, render
from tests.infra.delivery.repository import BOT, FILE, ROOT, Repository

DIGESTS = tuple(f"sha256:{number:064x}" for number in range(4))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.made(tmp_path)


def tag_of(repository: Repository, commit: str) -> str:
    """The image tag for this commit."""
    repository.checked_out(commit)
    code, tag, errors = repository.deploy("due")
    assert (code, bool(tag)) == (0, True), errors
    return tag


def delivered(repository: Repository, name: str, text: str, digest: str) -> str:
    """Merge a change, deliver its image and return the tag."""
    tag = tag_of(repository, repository.merged(name, text))
    code, _, errors = repository.deploy("commit", tag, digest)
    assert code == 0, errors
    return tag


def test_the_pipeline_commits_the_first_image_and_starts_no_run(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    assert re.fullmatch(rf"{re.escape(__version__)}-[0-9a-f]{{12}}", tag)
    assert f'tag: "{tag}"\n  digest: "{DIGESTS[1]}"' in repository.runs()
    assert repository.main("--format=%ae %ce") == f"{BOT} {BOT}"
    assert repository.main("--format=%s") == f"Run image {tag} [skip ci]"
    assert repository.main("--format=", "--name-only") == FILE


def test_the_chart_reads_what_the_pipeline_writes(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    written = yaml.safe_load(repository.runs())
    objects = render(ANDEN, *environment_values("dev"), written)
    web = next(each for each in objects if each["metadata"]["name"] == "anden-web" and each["kind"] == "Deployment")
    assert web["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f"/anden-dev:{tag}@{DIGESTS[1]}")


def test_the_committed_file_has_the_format_that_the_pipeline_reads() -> None:
    text = (ROOT / FILE).read_text(encoding="utf-8")
    assert re.fullmatch(
        r'# The release pipeline alone writes this file: which image runs\.\nimage:\n  tag: ".*"\n  digest: ".*"\n',
        text,
    )


def test_a_merge_that_does_not_change_the_image_builds_none(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    repository.checked_out(repository.merged("docs/page.md", "words"))
    assert repository.deploy("due")[:2] == (0, "")
    assert tag_of(repository, repository.merged("requirements/base.txt", "one==1"))


def test_commits_that_main_received_meanwhile_are_kept(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    later = repository.merged("docs/page.md", "words")
    assert repository.deploy("commit", tag, DIGESTS[1])[0] == 0
    assert repository.main("--format=%P") == later


def test_a_rejected_push_is_retried(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    race(repository)
    code, _, errors = repository.deploy("commit", tag, DIGESTS[1])
    assert code == 0, errors
    assert "tried 1 of 5" in errors
    assert DIGESTS[1] in repository.runs()
    assert repository.main("--format=%s", "--skip=1") == "Overtake"


def race(repository: Repository) -> None:
    """Make another push happen between the pipeline's commit and its first push."""
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


def test_a_protected_main_is_reported_with_the_fix(repository: Repository) -> None:
    tag = tag_of(repository, repository.merged("apps/first.py", "2"))
    before = repository.main("--format=%H")
    hook = repository.server / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\necho 'GH013: changes must be made through a pull request' >&2\nexit 1\n", encoding="utf-8"
    )
    hook.chmod(0o755)
    code, _, errors = repository.deploy("commit", tag, DIGESTS[1])
    assert code == 1
    assert errors.count("GH013") == 5
    assert "set the variable DEPLOY_BY to pull-request" in errors
    assert repository.main("--format=%H") == before


def test_an_older_image_never_replaces_a_newer_one(repository: Repository) -> None:
    old = tag_of(repository, repository.merged("apps/first.py", "2"))
    new = delivered(repository, "apps/first.py", "3", DIGESTS[2])
    code, _, errors = repository.deploy("commit", old, DIGESTS[1])
    assert code == 0
    assert f"main runs {new}, which is newer than {old}" in errors
    assert DIGESTS[2] in repository.runs()


def test_the_same_image_twice_is_one_commit(repository: Repository) -> None:
    tag = delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.main("--format=%H")
    assert repository.deploy("commit", tag, DIGESTS[1])[0] == 0
    assert repository.main("--format=%H") == before


def test_a_rollback_lasts_until_the_images_content_changes(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.runs()
    delivered(repository, "apps/first.py", "3", DIGESTS[2])
    repository.checked_out(repository.merged(FILE, before + "\n"))
    assert repository.deploy("due")[:2] == (0, "")
    repository.checked_out(repository.merged("docs/page.md", "words"))
    assert repository.deploy("due")[:2] == (0, "")
    delivered(repository, "apps/first.py", "4", DIGESTS[3])
    assert DIGESTS[3] in repository.runs()


def test_an_image_in_progress_does_not_undo_a_rollback(repository: Repository) -> None:
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    before = repository.runs()
    delivered(repository, "apps/first.py", "3", DIGESTS[2])
    on_its_way = tag_of(repository, repository.merged("apps/first.py", "4"))
    back = repository.merged(FILE, before + "\n")
    code, _, errors = repository.deploy("commit", on_its_way, DIGESTS[3])
    assert code == 1
    assert f"{back[:7]} has set the image by hand since" in errors
    assert DIGESTS[1] in repository.runs()


def test_one_pull_request_is_updated_and_its_checks_are_started(repository: Repository, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    gh = programs / "gh"
    gh.write_text(
        '#!/bin/sh\necho "$*" >>"$0.log"\n'
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
        code, _, errors = repository.deploy("propose", tag, digest, PATH=path)
        assert code == 0, errors
        assert digest in repository.runs("image")
    assert repository.main("--format=%H") == before
    assert repository.git(repository.server, "rev-list", "--count", "main..image") == "1"
    assert "[skip ci]" not in repository.git(repository.server, "log", "-1", "--format=%B", "image")
    calls = Path(f"{gh}.log").read_text().splitlines()
    assert [line.split()[:2] for line in calls] == [
        *(["pr", "list"], ["pr", "create"], ["workflow", "run"]),
        *(["pr", "list"], ["workflow", "run"]),
    ]
    assert calls[-1] == "workflow run ci.yml --ref image"


@pytest.mark.parametrize(
    ("tag", "digest", "message"),
    [
        ("latest", DIGESTS[1], "'latest' is no tag"),
        ("0.1.0-0123456789ab", "sha256:1", "'sha256:1' is no digest"),
        ("0.1.0-0123456789ab", DIGESTS[1], "built from a commit that is not here"),
        ('0.1.0-0123456789ab"\n', DIGESTS[1], "is no tag"),
    ],
)
def test_an_invalid_image_is_named(repository: Repository, tag: str, digest: str, message: str) -> None:
    code, _, errors = repository.deploy("commit", tag, digest)
    assert code == 1
    assert message in errors


def test_a_release_uses_the_image_built_from_its_content(repository: Repository) -> None:
    repository.checked_out()
    assert "names no image that was built here" in repository.deploy("released")[2]
    delivered(repository, "apps/first.py", "2", DIGESTS[1])
    repository.checked_out(repository.merged("CHANGELOG.md", "## 0.2.0"))
    assert repository.deploy("released")[:2] == (0, DIGESTS[1])
    repository.checked_out(repository.merged("apps/first.py", "3"))
    code, _, errors = repository.deploy("released")
    assert code == 1
    assert "was built from other content" in errors

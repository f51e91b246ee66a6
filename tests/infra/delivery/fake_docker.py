"""Fake `docker` and `aws` programs that support what .ci/image.py uses and reject everything else.

The file FAKE_REGISTRIES holds the registries' state as JSON: hosts with a login, digests per repository, tags, and all
commands. Tags are immutable, an index can only combine manifests of its repository, and a push needs a login.
"""

import hashlib
import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NoReturn

State = dict[str, Any]
EMPTY: State = {"hosts": [], "digests": {}, "tags": {}, "commands": [], "roles": []}


def refuse(why: str) -> NoReturn:
    """Fail as the real program would."""
    sys.stderr.write(f"fake: {why}\n")
    sys.exit(1)


def digest(*parts: str) -> str:
    """A digest derived from the parts."""
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def split(reference: str) -> tuple[str, str]:
    """Repository and tag, or repository and digest."""
    repository, _, name = reference.partition("@") if "@" in reference else reference.rpartition(":")
    return repository, name


def push(state: State, repository: str, what: str) -> None:
    """Add a manifest to a repository."""
    if repository.partition("/")[0] not in state["hosts"]:
        refuse(f"{repository}: no basic auth credentials")
    state["digests"].setdefault(repository, [])
    if what not in state["digests"][repository]:
        state["digests"][repository].append(what)


def build(state: State, options: Namespace) -> None:
    """Load an image, or push one by digest and write its metadata."""
    if options.load:
        state["loaded"] = options.tag
        return
    output = re.fullmatch(
        r'type=image,"name=([^"]+)",push-by-digest=true,name-canonical=true,push=true', options.output
    )
    if not output or options.provenance != "mode=max" or not re.fullmatch(r"generator=\S+:[\d.]+", options.sbom or ""):
        refuse("not pushed by digest with provenance and SBOM")
    made = digest("build", options.platform, *options.label)
    for repository in output[1].split(","):
        push(state, repository, made)
    Path(options.metadata_file).write_text(json.dumps({"containerimage.digest": made}))


def create(state: State, options: Namespace) -> None:
    """Create a tag; a single source is copied."""
    repository, tag = split(options.tag)
    sources = [split(each) for each in options.sources]
    for where, what in sources:
        if where != repository or what not in state["digests"].get(repository, []):
            refuse(f"{where}@{what}: not found in {repository}")
    if options.tag in state["tags"]:
        refuse(f"the tag {tag} is immutable")
    names = [what for _, what in sources]
    made = names[0] if len(names) == 1 else digest("index", *names)
    push(state, repository, made)
    state["tags"][options.tag] = made


def inspect(state: State, options: Namespace) -> None:
    """Print the digest of a tag."""
    if options.format != "{{.Manifest.Digest}}" or options.reference not in state["tags"]:
        refuse(f"{options.reference}: not found")
    sys.stdout.write(state["tags"][options.reference] + "\n")


def login(state: State, options: Namespace) -> None:
    """Log in to a registry if the password is correct."""
    if (
        sys.stdin.read().strip() != f"password of {options.host}"
        or not options.password_stdin
        or options.username != "AWS"
    ):
        refuse("denied: wrong password")
    state["hosts"].append(options.host)


def run(state: State, options: Namespace, arguments: list[str]) -> None:
    """Run the loaded image as a pod would."""
    del options
    image = arguments.index(state.get("loaded", ""))
    if not {"--rm", "--read-only"} <= set(arguments[:image]) or arguments[image + 1 :] != ["manage", "check"]:
        refuse("not run as in a pod")
    if os.environ.get("FAKE_BROKEN_IMAGE"):
        refuse("SystemCheckError: System check identified some issues")


def password(state: State) -> None:
    """`aws ecr get-login-password`, for the registry of the role's account."""
    token = Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
    role = os.environ["AWS_ROLE_ARN"]
    *arguments, region = sys.argv[1:]
    if arguments != ["ecr", "get-login-password", "--region"] or token.read_text() != "identity of this run":
        refuse("AccessDenied")
    state["roles"].append(role)
    sys.stdout.write(f"password of {role.split(':')[4]}.dkr.ecr.{region}.amazonaws.com\n")


def docker(state: State, arguments: list[str]) -> None:
    """The docker commands that the script uses."""
    if arguments[0] == "run":
        run(state, Namespace(), arguments)
        return
    parser = ArgumentParser(exit_on_error=True, allow_abbrev=False)
    for option in ("tag", "platform", "provenance", "sbom", "metadata-file", "output", "builder", "progress"):
        parser.add_argument(f"--{option}")
    for option in ("name", "driver", "driver-opt", "format", "username"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("sources", nargs="*")
    if arguments[:2] == ["buildx", "build"]:
        build(state, parser.parse_args(arguments[2:]))
    elif arguments[:3] == ["buildx", "imagetools", "create"]:
        create(state, parser.parse_args(arguments[3:]))
    elif arguments[:3] == ["buildx", "imagetools", "inspect"]:
        options = parser.parse_args(arguments[3:])
        options.reference = options.sources[0]
        inspect(state, options)
    elif arguments[0] == "login":
        options = parser.parse_args(arguments[1:])
        options.host = options.sources[0]
        login(state, options)
    elif arguments[:2] == ["buildx", "create"]:
        parser.parse_args(arguments[2:])
    else:
        refuse(f"no command {arguments}")


def main() -> None:
    """Run one command and save the state."""
    path = Path(os.environ["FAKE_REGISTRIES"])
    state = json.loads(path.read_text()) if path.exists() else json.loads(json.dumps(EMPTY))
    state["commands"].append([Path(sys.argv[0]).name, *sys.argv[1:]])
    if Path(sys.argv[0]).name == "aws":
        password(state)
    else:
        docker(state, sys.argv[1:])
    path.write_text(json.dumps(state))


if __name__ == "__main__":
    main()

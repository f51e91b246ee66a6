"""A Docker and an AWS command line that know what .ci/image.py asks of them, and refuse everything else.

Called under the names `docker` and `aws`. What the registries hold is JSON in the file FAKE_REGISTRIES: hosts that
were logged in to, digests of each repository, tags that were written, and every command. A tag is written once, a
manifest can only be joined from what its repository has, and nobody pushes where nobody has logged in.
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
    """End as the program would."""
    sys.stderr.write(f"fake: {why}\n")
    sys.exit(1)


def digest(*parts: str) -> str:
    """A digest that the parts decide."""
    return "sha256:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def split(reference: str) -> tuple[str, str]:
    """Repository and tag, or repository and digest."""
    repository, _, name = reference.partition("@") if "@" in reference else reference.rpartition(":")
    return repository, name


def push(state: State, repository: str, what: str) -> None:
    """Put a manifest into a repository."""
    if repository.partition("/")[0] not in state["hosts"]:
        refuse(f"{repository}: no basic auth credentials")
    state["digests"].setdefault(repository, [])
    if what not in state["digests"][repository]:
        state["digests"][repository].append(what)


def build(state: State, said: Namespace) -> None:
    """Load an image, or push one by digest and write its metadata."""
    if said.load:
        state["loaded"] = said.tag
        return
    output = re.fullmatch(r'type=image,"name=([^"]+)",push-by-digest=true,name-canonical=true,push=true', said.output)
    if not output or said.provenance != "mode=max" or not re.fullmatch(r"generator=\S+:[\d.]+", said.sbom or ""):
        refuse("this is not pushed with provenance, SBOM and by digest")
    made = digest("build", said.platform, *said.label)
    for repository in output[1].split(","):
        push(state, repository, made)
    Path(said.metadata_file).write_text(json.dumps({"containerimage.digest": made}))


def create(state: State, said: Namespace) -> None:
    """Write a tag; of one source it is a copy."""
    repository, tag = split(said.tag)
    sources = [split(each) for each in said.sources]
    for where, what in sources:
        if where != repository or what not in state["digests"].get(repository, []):
            refuse(f"{where}@{what}: not found in {repository}")
    if said.tag in state["tags"]:
        refuse(f"the tag {tag} is immutable")
    names = [what for _, what in sources]
    made = names[0] if len(names) == 1 else digest("index", *names)
    push(state, repository, made)
    state["tags"][said.tag] = made


def inspect(state: State, said: Namespace) -> None:
    """Say what a tag stands for."""
    if said.format != "{{.Manifest.Digest}}" or said.reference not in state["tags"]:
        refuse(f"{said.reference}: not found")
    sys.stdout.write(state["tags"][said.reference] + "\n")


def login(state: State, said: Namespace) -> None:
    """Remember a registry whose password is right."""
    if sys.stdin.read().strip() != f"password of {said.host}" or not said.password_stdin or said.username != "AWS":
        refuse("denied: wrong password")
    state["hosts"].append(said.host)


def run(state: State, said: Namespace, words: list[str]) -> None:
    """Start what was loaded, as a pod would."""
    del said
    image = words.index(state.get("loaded", ""))
    if not {"--rm", "--read-only"} <= set(words[:image]) or words[image + 1 :] != ["manage", "check"]:
        refuse("this is not how a pod has it")
    if os.environ.get("FAKE_BROKEN_IMAGE"):
        refuse("SystemCheckError: System check identified some issues")


def password(state: State) -> None:
    """AWS's own: the password of the registry of the role's account."""
    token = Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
    role = os.environ["AWS_ROLE_ARN"]
    *words, region = sys.argv[1:]
    if words != ["ecr", "get-login-password", "--region"] or token.read_text() != "identity of this run":
        refuse("AccessDenied")
    state["roles"].append(role)
    sys.stdout.write(f"password of {role.split(':')[4]}.dkr.ecr.{region}.amazonaws.com\n")


def docker(state: State, words: list[str]) -> None:
    """Docker, as far as the script knows it."""
    if words[0] == "run":
        run(state, Namespace(), words)
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
    if words[:2] == ["buildx", "build"]:
        build(state, parser.parse_args(words[2:]))
    elif words[:3] == ["buildx", "imagetools", "create"]:
        create(state, parser.parse_args(words[3:]))
    elif words[:3] == ["buildx", "imagetools", "inspect"]:
        said = parser.parse_args(words[3:])
        said.reference = said.sources[0]
        inspect(state, said)
    elif words[0] == "login":
        said = parser.parse_args(words[1:])
        said.host = said.sources[0]
        login(state, said)
    elif words[:2] == ["buildx", "create"]:
        parser.parse_args(words[2:])
    else:
        refuse(f"no command {words}")


def main() -> None:
    """Do one command, and keep what it changed."""
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

"""Files contain no personal, account-specific or floating values; each rule reports its violation."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.infra.repository_files import ROOT
from tests.infra.text.domains import ALLOWED, allowance, domains
from tests.infra.text.rules import ACCEPTED, RULES, Rule, broken, scanned

BY_NAME: Final = {rule.name: rule for rule in RULES}

PLANTED: Final = (
    ("account id", 'principal = "arn:aws:iam::123456789012:role/operators"'),
    ("account id", "image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/anden:1.0.0"),
    ("account id", "account_id = 210987654321"),
    ("access key", "AKIAIOSFODNN7EXAMPLE"),
    ("profile", '  profile = "jane"'),
    ("profile", "AWS_PROFILE=jane terraform plan"),
    ("profile", "aws s3 ls --profile jane"),
    ("profile", 'shared_credentials_files = ["~/.aws/credentials"]'),
    ("hosted zone", 'zone_id = "Z2FDTNDATAQYW2"'),
    ("hosted zone", "txtOwnerId: Z0123456789ABCDEFGHIJ"),
    ("resource's id", "vpcId: vpc-0a1b2c3d4e5f60718"),
    ("resource's id", 'subnet_ids = ["subnet-0a1b2c3d"]'),
    ("latest", "image: postgres:latest"),
    ("latest", 'tag: "latest"'),
    ("latest", "go install example.org/tool@latest"),
    ("latest", "runs-on: ubuntu-latest"),
    ("branch as a revision", "targetRevision: HEAD"),
    ("branch as a revision", "spec: {source: {targetRevision: main}}"),
    ("branch as a revision", '  revision = "master"'),
    ("branch as a revision", '  default     = "HEAD"'),
    ("branch as a revision", 'source = "git::https://example.org/network.git?ref=main"'),
    ("branch as a revision", "- uses: actions/checkout@main"),
    ("tool without an exact version", "with: {node-version: 24}"),
    ("tool without an exact version", 'terraform_version: "~1.11"'),
    ("tool without an exact version", "go-version: stable"),
    ("package without a lock", "run: npx markdownlint"),
    ("package without a lock", "run: npm install"),
    ("package without a lock", "RUN pip install gunicorn"),
)

HARMLESS: Final = (
    ("account id", 'account_id = "000000000000"'),
    ("account id", "bytes: 1234567890123, sum: 123456789012.5, hash: a123456789012"),
    ("profile", "seccompProfile: {type: RuntimeDefault}"),
    ("hosted zone", 'zone_id = "ZFILLMEIN"'),
    ("resource's id", "vpcId: vpc-00000000000000000"),
    ("latest", "| `latest` | 13 months ahead |"),
    ("branch as a revision", 'condition = var.revision != "HEAD"'),
    ("branch as a revision", "push: {branches: [main]}"),
    ("branch as a revision", "targetRevision: v1.0.0"),
    ("tool without an exact version", "with: {node-version: 24.21.0, go-version: 1.26.8}"),
    ("package without a lock", "RUN npm ci && pip install --require-hashes -r base.txt"),
)


@pytest.mark.property(4)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name.replace(" ", "-"))
def test_no_file_violates_a_rule_without_a_reason(rule: Rule, evidence: Callable[[str], None]) -> None:
    files = scanned(programs=rule.everywhere)
    found = [(path, line) for path, text in files.items() for line in broken(rule, text)]
    assert [each for each in found if each not in ACCEPTED] == []
    names = [each.name for each in RULES if each.everywhere == rule.everywhere]
    evidence(f"{len(files)} files, no {', no '.join(names)}")


def test_each_reason_is_still_needed() -> None:
    for name, line in ACCEPTED:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert line in {each for rule in RULES for each in broken(rule, text)}, name


@pytest.mark.parametrize(("name", "line"), PLANTED)
def test_a_planted_line_is_found(name: str, line: str) -> None:
    assert list(broken(BY_NAME[name], f"first\n{line}\nlast\n")) == [line.strip()]


@pytest.mark.parametrize(("name", "line"), HARMLESS)
def test_a_harmless_line_is_accepted(name: str, line: str) -> None:
    assert list(broken(BY_NAME[name], line)) == []


def test_each_rule_has_a_planted_line() -> None:
    assert {name for name, _ in PLANTED} == set(BY_NAME)


def test_deployed_files_and_docs_are_scanned() -> None:
    names = set(scanned(programs=False))
    assert names >= {
        "Dockerfile",
        "README.md",
        "compose.yaml",
        ".ci/run",
        ".github/workflows/ci.yml",
        "charts/anden/values.yaml",
        "charts/anden/templates/web.yaml",
        "docs/guides/production.md",
        "gitops/values.yaml",
        "platform/entrypoint",
        "terraform/aws/main.tf",
        "terraform/environments/prod.tfvars",
        "tests/infra/golden/anden/prod.yaml",
    }
    assert not any(name.endswith(".py") for name in names)


@pytest.mark.property(4)
def test_each_domain_is_reserved_or_has_a_reason(evidence: Callable[[str], None]) -> None:
    found = {(path, domain) for path, text in scanned(programs=False).items() for domain in domains(text)}
    assert sorted(each for each in found if allowance(each[1], ALLOWED) is None) == []
    used = {allowance(domain, ALLOWED) for path, domain in found if not path.endswith("text/domains.yaml")}
    assert set(ALLOWED) - used == set(), "no file uses these"
    assert all(ALLOWED.values())
    names = {domain for _, domain in found}
    evidence(f"{len(names)} domains, covered by {len(ALLOWED)} entries that are reserved or have a reason")


@pytest.mark.parametrize(
    ("line", "domain"),
    [
        ("at data.acme-corp.com, and", "data.acme-corp.com"),
        ('domain  = "data.acme.berlin" # FILL', "data.acme.berlin"),
        ("domainFilters: [acme.wien]", "acme.wien"),
        ("https://grafana.acme.museum/d/1", "grafana.acme.museum"),
        ("write to jane@acme.berlin", "acme.berlin"),
        ('host: "API.Acme.IO"', "api.acme.io"),
        ("https://notexample.org", "notexample.org"),
        ("https://example.org.acme.net", "example.org.acme.net"),
    ],
)
def test_a_planted_domain_is_found(line: str, domain: str) -> None:
    assert domains(line) == {domain}
    assert allowance(domain, ALLOWED) is None


def test_other_dotted_names_are_not_domains() -> None:
    for text in ("values.dev.yaml", "module.eks.io(1)", "http://127.0.0.1:8000", "http://web:8000", "README.es.md"):
        assert domains(text) == set()
    for text in ("actionlint@v1.7.12", "actions/checkout@v6.0.1", "domain = var.domain", "(jinja2.in)"):
        assert domains(text) == set()


def test_a_subdomain_matches_the_longest_entry() -> None:
    assert allowance("api.data.example.org", ALLOWED) == "example.org"
    assert allowance("ebs.csi.aws.com", {"aws.com": "", "csi.aws.com": ""}) == "csi.aws.com"

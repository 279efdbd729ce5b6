"""What the operator's pages name is there: AWS's commands and parameters, alarms, variables."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.unit.docs.aws_commands import commands, objections
from tests.unit.docs.blocks import DOCS, fenced

ROOT = DOCS.parent
PAGES = ("devops.md", "debugging.md", "releasing.md")


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def spans(page: str) -> list[str]:
    """Code within sentences."""
    prose = re.sub(r"^```.*?^```$", "", text(page), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def aws_commands(page: str) -> list[list[str]]:
    blocks = [*fenced(page, "sh"), *(span for span in spans(page) if span.startswith("aws "))]
    return [words for block in blocks for words in commands(block) if len(words) > 3]


@pytest.mark.parametrize("page", ["devops.md", "debugging.md"])
def test_commands_are_what_aws_takes(page):
    found = {" ".join(words): objections(words) for words in aws_commands(page)}

    assert len(found) > 10
    assert {command: wrong for command, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("command", "objection"),
    [
        ("aws rds describe-db-instance --db-instance-identifier x", "there is no rds describe-db-instance"),
        ("aws rds describe-db-instances --instance x", "no --instance"),
        ("aws rds delete-db-instance --skip-final-snapshot", "--db-instance-identifier is missing"),
        (
            "echo $(aws stepfunctions list-executions --status-filter DEAD)",
            "--status-filter can't be DEAD",
        ),
        ("aws rds wait db-instances --db-instance-identifier x", "rds has no waiter db-instances"),
    ],
)
def test_a_wrong_command_is_found(command, objection):
    (words,) = commands(command)

    assert objection in objections(words)


@pytest.mark.parametrize("page", PAGES)
def test_scripts_are_shell(page):
    for block in [*fenced(page, "sh"), *fenced(page, "bash")]:
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.stderr == "", block


ALARMS = (ROOT / "terraform/modules/observability/alarms.tf").read_text(encoding="utf-8")


def alarms() -> set[str]:
    names = set(re.findall(r'^\s+"?([^"\s]+)"? = \{\n\s+description', ALARMS, re.MULTILINE))
    names |= set(re.findall(r'"([a-z-]+)" => \{\n\s+description', ALARMS))
    machines = [path.name.removesuffix(".asl.json") for path in (ROOT / "stepfunctions").iterdir()]
    each = {name.replace("${name}", machine) for name in names for machine in machines}
    return {name.replace("${id}", "…") for name in each}


def test_every_alarm_has_its_row_and_no_other():
    section = text("debugging.md").partition("## An alarm rang")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)

    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == alarms()


def test_alarms_send_their_reader_to_a_heading():
    headings = set(re.findall(r"^## (.+)$", text("debugging.md"), re.MULTILINE))
    sent_to = re.findall(r"docs/debugging\.md: ([^.]+)\.", ALARMS)

    assert len(sent_to) == len(re.findall(r"^ +description = ", ALARMS, re.MULTILINE))
    assert set(sent_to) <= headings


def test_variables_to_raise_are_terraforms():
    section = text("devops.md").partition("**Variables to raise**")[2].partition("**Limits**")[0]
    named = set(re.findall(r"^\| `(\w+)", section, re.MULTILINE))
    declared = {
        name
        for file in (ROOT / "terraform").glob("variables*.tf")
        for name in re.findall(r'^variable "(\w+)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert len(named) >= 6
    assert named <= declared


@pytest.mark.parametrize("page", [*PAGES, "future.md", "../SECURITY.md", "../README.md"])
def test_links_lead_to_a_heading(page):
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text(page))

    for target, anchor in links:
        there = (DOCS / page).parent / target if target else DOCS / page
        headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

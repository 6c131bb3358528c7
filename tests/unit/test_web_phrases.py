"""What the pages tell a person to do is done on the pages, wherever there is one that does it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockhook import operations
from stockhook.model import KINDS
from stockhook.testing import factories as make
from stockhook.web.guidance import here
from stockhook.web.phrases import on_page

ON_PAGES = re.compile(
    r"stockhook (?:stock (?:list|receive|adjust|move|count|hold|release|amend|undo)|events (?:list|show|replay)"
    r"|deliveries|problems|locations|orders (?:show|correct)|items (?:add|set|rename|retire))"
)
"""Commands that a page stands in for."""

BY_COMMANDS_ALONE = {"stock_import.py", "channels.py", "count_file.py", "item_import.py", "forgetting.py"}
"""Modules of which no page calls anything."""


def sentences() -> Iterator[tuple[str, str]]:
    """Yield what operations tell of commands: the text, with X for what is filled in, and where it is written."""
    for path in sorted(Path(operations.__path__[0]).rglob("*.py")):
        if path.name in BY_COMMANDS_ALONE or "verify" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        told = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in ast.walk(each)} - {
            id(each) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr)
        }
        docs = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for each in ast.walk(tree):
            if id(each) in told | docs:
                continue
            text = ""
            if isinstance(each, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else "7" for part in each.values)
                text = "".join(parts)
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                text = each.value
            if "stockhook " in text:
                yield text, f"{path.name}:{each.lineno}"


SENTENCES = list(sentences())


def test_there_are_such_sentences() -> None:
    assert sum(1 for text, _ in SENTENCES if ON_PAGES.search(text)) > 20


@pytest.mark.parametrize(("text", "where"), SENTENCES, ids=[where for _, where in SENTENCES])
def test_no_refusal_on_a_page_names_a_command_that_a_page_stands_in_for(text: str, where: str) -> None:
    assert not ON_PAGES.search(on_page(text)), where


@pytest.mark.parametrize("kind", sorted({*KINDS, "of-another-version"} - {"unknown-item", "summary"}))
def test_no_problem_on_a_page_names_a_command_that_a_page_stands_in_for(kind: str) -> None:
    told = here(make.problem(kind, id=7, order_id="D-1", event_id=3))
    assert not ON_PAGES.search(told)
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("there is no unit 7; `stockhook stock list` shows them", "there is no unit 7; the list of items shows them"),
        (
            "order D-1 has no line 3, only 1; `stockhook orders show D-1`",
            "order D-1 has no line 3, only 1; the page of the order shows them",
        ),
        (
            "movement 3 is of a rename; take that back by: stockhook items rename NEW OLD",
            "movement 3 is of a rename; take that back on the page of NEW, which gives it another SKU",
        ),
        (
            "SOAP is retired, no more of it is received; to take that back: stockhook items retire SOAP --undo",
            "SOAP is retired, no more of it is received; to take that back: Take it up again, on its page",
        ),
        (
            "there is no location 'X'; add it with: stockhook locations add X",
            "there is no location 'X'; add it on the page of locations",
        ),
        (
            "holds X, which is no item of ours; define it anew, or `stockhook items add X`",
            "holds X, which is no item of ours; define it anew, or add X on the page of items",
        ),
        ("give it in the config, or: stockhook channel setup shop",) * 2,
    ],
)
def test_a_page_or_a_button_stands_where_the_command_was(told: str, said: str) -> None:
    assert on_page(told) == said

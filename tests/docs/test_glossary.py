"""docs/glossary.md: one word, one thing."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.docs.code_names import classes, defines

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
TERMS, UNUSED = GLOSSARY.split("## Words that we do not use")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in GLOSSARY.splitlines()
    if line.startswith("| ")
]
WORDS = [row[0] for row in ROWS if len(row) == 4 and row[0] != "word"]
LINKED_NAMES = re.findall(r"\[`([\w.]+)`\]\(\.\./([^)]+)\)", TERMS)
NAMES_BESIDE_LINKS = re.findall(r"`([\w-]+)` in \[[^\]]+\]\(\.\./([^)]+)\)", TERMS)
UNUSED_WORDS = [word for row in ROWS if len(row) == 3 and row[0] != "word" for word in row[0].split(", ")]

DEPLOYED = ("layers", "functions")


def test_each_word_has_one_row():
    assert len(WORDS) >= 40
    assert sorted(WORDS) == sorted(set(WORDS))


@pytest.mark.parametrize("name, path", LINKED_NAMES)
def test_every_definition_is_where_it_is_said_to_be(name, path):
    assert defines(path, name)


@pytest.mark.parametrize("name, path", NAMES_BESIDE_LINKS)
def test_every_other_name_stands_in_the_file_that_is_linked(name, path):
    assert name in (ROOT / path).read_text()


def test_no_two_classes_that_are_deployed_share_a_name():
    named_twice = {name: files for name, files in classes(*DEPLOYED).items() if len(files) > 1}

    assert named_twice == {}


def test_no_class_that_is_deployed_has_a_word_that_we_do_not_use():
    names = {"".join(word.split()).lower() for word in UNUSED_WORDS}

    assert len(names) >= 10
    assert [name for name in classes(*DEPLOYED) if name.strip("_").lower() in names] == []


def test_a_word_that_we_do_not_use_is_not_explained_as_one_that_we_do():
    assert set(UNUSED_WORDS) & set(WORDS) == set()
    for row in ROWS:
        if len(row) == 3 and row[0] != "word":
            assert re.findall(r"\*([^*]+)\*", row[1]), row

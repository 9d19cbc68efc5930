"""Texts that name options: the same data in Python's words and in those of the command line."""

from __future__ import annotations

import pickle

import pytest

import poolcli
from poolcli.cli.words import spoken
from poolcli.errors import ShapeError
from poolcli.wording import Phrase
from tests.support.process import Run


def test_python_and_the_command_line_each_use_their_own_words(call: Run) -> None:
    with pytest.raises(ShapeError) as caught:
        poolcli.pool([[1, 2, 3, 4]] * 4, size=5)
    assert caught.value.hint == "size=4, or padding=1"
    assert call("pool", "-k", "5", stdin="1,2,3,4\n" * 4).err.splitlines()[1] == "hint: use --size 4, or --padding 1"


@pytest.mark.parametrize(
    ("phrase", "python", "typed"),
    [
        (Phrase("drop {pad_fill}"), "drop pad_fill", "drop --pad-fill"),
        (Phrase("{global_window}", global_window=True), "global_window=True", "use --global"),
        (Phrase("{output_size}!", output_size=(7, 7)), "output_size=(7, 7)!", "use --output-size 7x7!"),
        (Phrase("{0} has {1} of {size}", "{size}", 2), "{size} has 2 of size", "{size} has 2 of --size"),
        ("a.csv: " + Phrase("{seed}", seed=1) + " helps", "a.csv: seed=1 helps", "a.csv: --seed 1 helps"),
        (Phrase("{delimiter}", delimiter=";"), "delimiter=';'", "use --delimiter ';'"),
    ],
)  # fmt: skip
def test_words(phrase: Phrase, python: str, typed: str) -> None:
    assert (str(phrase), spoken(phrase)) == (python, typed)
    assert spoken(pickle.loads(pickle.dumps(phrase))) == typed  # noqa: S301 - our own


def test_a_place_is_said_before_the_message() -> None:
    problem = ShapeError(Phrase("{size} is odd", size=3), "even")
    problem.at("layer 2")
    assert (str(problem), spoken(problem.text)) == ("layer 2: size=3 is odd", "layer 2: --size 3 is odd")

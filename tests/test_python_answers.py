"""What the functions of Python say to arguments that they do not take: one of our errors, with a hint that works."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from poolcli import FeatureMap, compare, conv, explain, grad, pool, read, relu, unpool, write
from poolcli.errors import ArgumentError, InputError, PoolcliError, PositionalError, ShapeError, UnknownKeywordError

X: Any = np.arange(36.0).reshape(6, 6)
Call = Callable[[], object]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("temp,hum\n1,2\n3,4\n")
    Image.fromarray(np.arange(40 * 30 * 3, dtype=np.uint8).reshape(40, 30, 3)).save("p.png")


def counted() -> Iterator[int]:
    yield 1


UNKNOWN: list[tuple[Call, str]] = [
    (lambda: read("s.csv", sep=","), "it is called delimiter here"),
    (lambda: read("s.csv", colums="1"), "did you mean columns?"),
    (lambda: read("s.csv", format="csv"), "did you mean input_format?"),
    (lambda: read("s.csv", encoding="utf-8"), "known: array, channels, "),
    (lambda: write(X, "n.png", normalise="clip"), "did you mean normalize?"),
    (lambda: explain(X).save("x.gif", speed=2), "known: colormap, fps, "),
    (lambda: compare(X, sides={"a": {}, "b": {"mod": "avg"}}), "did you mean mode?"),
    (lambda: conv(X, "box", relu=True), "known: bias, dilation, kernel, "),  # type: ignore[call-overload]
    (lambda: conv(X, "box", size=3), "known: bias, dilation, kernel, "),  # type: ignore[call-overload]
    (lambda: pool(X, out=X), "known: ceil_mode, compat, "),  # type: ignore[call-overload]
    (lambda: pool(X, axis=1), "the last axes are pooled; to pool others, name them all: layout='HWC'"),  # type: ignore[call-overload]
    (lambda: grad(X, dim=1), "the last axes are pooled; to pool others, name them all: layout='HWC'"),  # type: ignore[call-overload]
    (lambda: relu(X, axis=1), "known: x"),  # type: ignore[call-overload]
    (lambda: pool(X, exclusive=True), "count_include_pad is its opposite"),  # type: ignore[call-overload]
    (lambda: pool(X, indices=True), "did you mean return_indices?"),  # type: ignore[call-overload]
]


@pytest.mark.parametrize(("call", "hint"), UNKNOWN)
def test_only_a_synonym_is_called_something_here(call: Call, hint: str) -> None:
    with pytest.raises(UnknownKeywordError) as caught:
        call()
    assert caught.value.hint.startswith(hint)


WRONG: list[tuple[Call, str, str]] = [
    (lambda: read("s.csv", columns=["temp"]), "columns ['temp'] is not a text", "such as columns='temp'"),
    (lambda: read("s.csv", columns=[1, 2]), "columns [1, 2] is not a text", "such as columns='1,2'"),
    (lambda: read("s.csv", missing=["NA", -9]), "missing ['NA', -9] is not a text or a number",
     "such as missing='NA,-9'"),
    (lambda: read("s.csv", channels_last="no"), "channels_last 'no' is not true or false",
     "such as channels_last=False"),
    (lambda: read("s.csv", skip="1"), "skip '1' is not a whole number", "such as skip=1"),
    (lambda: read("s.csv", layout=X), "layout of type ndarray is not a text", "leave out layout"),
    (lambda: read("p.png", max_pixels="x"), "max_pixels 'x' is not a whole number", "leave out max_pixels"),
    (lambda: read(io.BytesIO(b"1")), "source of type BytesIO is not the name of a file",  # type: ignore[arg-type]
     "call read(source), with source such as 'x.png'"),
    (lambda: write("w.png", X), "target of type ndarray is not the name of a file",
     "call write(feature_map, target), with target such as 'x.png'"),
    (lambda: write(X, None), "target None is not the name of a file",  # type: ignore[arg-type]
     "call write(feature_map, target), with target such as 'x.png'"),
    (lambda: compare(X, sides={1: {}, 2: {"padding": 1}}),  # type: ignore[dict-item]
     "sides {1: {}, 2: {'padding': 1}} is not the options of each side by its label", "such as sides="),
    (lambda: pool(X, return_indices=X), "return_indices of type ndarray is not true or false",
     "such as return_indices=True"),
    (lambda: pool(X, stride=X), "stride of type ndarray is not a whole number, or a list of one for each axis",
     "such as stride=2"),
    (lambda: write(X, "n.png", zoom="2"), "zoom '2' is not a whole number", "such as zoom=2"),
    (lambda: explain(X).save(3), "target 3 is not the name of a file",  # type: ignore[arg-type]
     "call save(target), with target such as 'x.png'"),
    (lambda: compare(X, sides=["a padding=1", "b"]),  # type: ignore[arg-type]
     "sides ['a padding=1', 'b'] is not the options of each side by its label",
     "such as sides={'a': {'padding': 1}, 'b': {'mode': 'avg'}}"),
    (lambda: compare(X, sides={"a": "avg", "b": {}}),  # type: ignore[dict-item]
     "sides {'a': 'avg', 'b': {}} is not the options of each side by its label", "such as sides="),
    (lambda: compare(X, mode=3), "mode 3 is not a name or a list of them", "such as mode=['max', 'avg']"),  # type: ignore[arg-type]
    (lambda: explain(X, at=1), "at 1 is not a list of whole numbers, one for each axis", "such as at=(0, 0)"),  # type: ignore[arg-type]
    (lambda: pool(X, layout=X), "layout of type ndarray is not a text", "such as layout='HWC'"),
    (lambda: pool(X, ndim="2"), "ndim '2' is not a whole number", "such as ndim=2"),  # type: ignore[call-overload]
    (lambda: pool(X, nan=X), "nan of type ndarray is not a text", "such as nan='propagate'"),
    (lambda: pool(X, "stochastic", seed="a"), "seed 'a' is not a whole number", "such as seed=1"),  # type: ignore[call-overload]
    (lambda: conv(X, "box", bias="a"), "bias 'a' is not a number", "such as bias=0.5"),  # type: ignore[call-overload]
    (lambda: pool(X, "max", mode="avg"), "pool has mode twice", "drop mode='avg'"),  # type: ignore[call-overload]
    (lambda: conv(X), "conv needs kernel", "call conv(x, kernel)"),  # type: ignore[call-overload]
    (lambda: unpool(X, X.astype(int), 3.5), "shape 3.5 is not a list of whole numbers, one for each axis",  # type: ignore[arg-type]
     "call unpool(values, indices, shape), with shape such as (4, 4)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message", "hint"), WRONG)
def test_an_argument_of_another_kind_is_named(call: Call, message: str, hint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)
    assert isinstance(caught.value, TypeError)  # as one of Python's would be


def test_an_error_that_no_argument_explains_stays() -> None:
    class Broken:
        @property
        def getbands(self) -> object:
            raise TypeError("no bands")

    with pytest.raises(TypeError, match="no bands") as caught:
        pool(Broken())  # type: ignore[call-overload]
    assert not isinstance(caught.value, PoolcliError)


def test_too_many_arguments_where_none_has_a_name() -> None:
    with pytest.raises(PositionalError, match="relu takes 1 argument without a name, not 2") as caught:
        relu(X, 2)  # type: ignore[call-overload]
    assert caught.value.hint == "call relu(x)"
    with pytest.raises(PositionalError) as caught:
        compare(X, X)  # type: ignore[call-arg]
    assert caught.value.hint == "call compare(x)"
    with pytest.raises(PositionalError) as caught:
        compare(X, ["max", "avg"])  # type: ignore[call-arg]
    assert caught.value.hint == "such as mode=['max', 'avg']"


@pytest.mark.parametrize(
    ("mode", "hint"),
    [
        (["max", "avg"], "pool(x, mode='max'), or several with compare(x, mode=['max', 'avg'])"),
        (np.mean, "a mode is a name, such as mode='mean'"),
        (len, "a mode is a name, such as mode='max'"),
        (None, "a mode is a name, such as mode='max'"),
        ((3, 3), "size=(3, 3)"),
    ],
)
def test_what_is_no_mode_is_answered_with_one(mode: Any, hint: str) -> None:
    with pytest.raises(PoolcliError, match="is not the name of a mode") as caught:
        pool(X, mode, 2)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("value", "said"),
    [({"a": 1}, "the value {'a': 1}"), (counted(), "the value of type generator"), (None, "the value None")],
)
def test_what_is_no_array_is_not_called_a_number(value: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        pool(value)
    assert caught.value.message == f"{said} is not an array"
    assert caught.value.hint == "give numbers as an array or nested lists, such as [[1, 2]]"


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"size": "2x2"}, "such as size=(2, 2)"),
        ({"size": "2"}, "such as size=2"),
        ({"stride": 1.5}, "such as stride=2, or for each axis stride=(2, 2)"),
        ({"padding": 1.5}, "such as padding=1, or for each axis padding=(1, 1)"),
        ({"output_size": "a"}, "such as output_size=2, or for each axis output_size=(2, 2)"),
        ({"size": ()}, "give one number for each of 1 to 3 axes"),
        ({"ndim": 0}, "such as ndim=2"),
        ({"global_window": "no"}, "such as global_window=True"),
        ({"pad_fill": None, "padding": 1}, "use ignore, reflect, symmetric, replicate, wrap, or a number"),
    ],
)
def test_the_hint_for_an_option_is_what_to_type(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(PoolcliError) as caught:
        pool(X, **options)
    assert caught.value.hint == hint


def test_a_layout_is_a_text() -> None:
    with pytest.raises(PoolcliError, match="layout 3 is not a text") as caught:
        FeatureMap.from_array(X, 3)  # type: ignore[arg-type]
    assert caught.value.hint.startswith("use the letters N, C, then D, H, W or L")


def test_padding_is_begin_and_end_of_each_axis_in_one_list_too() -> None:
    pairs = pool(X, "max", 3, padding=((1, 0), (2, 1)))
    for padding in ((1, 0, 2, 1), [1, 0, 2, 1]):
        np.testing.assert_array_equal(pool(X, "max", 3, padding=padding), pairs)
        np.testing.assert_array_equal(pool(X, "max", 3, padding=padding, ndim=2), pairs)
        np.testing.assert_array_equal(conv(X, "box", padding=padding), conv(X, "box", padding=((1, 0), (2, 1))))
        assert [*explain(X, size=3, padding=padding)] == [*explain(X, size=3, padding=((1, 0), (2, 1)))]
        made = pool(FeatureMap.from_array(X), "max", 3, padding=padding)
        assert made.steps == pool(FeatureMap.from_array(X), "max", 3, padding=((1, 0), (2, 1))).steps
    cube = np.arange(4.0**3).reshape(4, 4, 4)
    np.testing.assert_array_equal(pool(cube, padding=(0, 1, 1, 0, 1, 1)), pool(cube, padding=((0, 1), (1, 0), (1, 1))))
    for ndim in (None, 1):
        assert pool(X[0], "max", 2, padding=(1, 0), ndim=ndim).tolist() == [0, 2, 4]
    with pytest.raises(PoolcliError, match="2 and 3 spatial axes"):
        pool(cube, size=(2, 2, 2), padding=(1, 0, 1, 0))


def test_a_picture_whose_channels_were_taken_for_columns_can_be_written() -> None:
    with Image.open("p.png") as picture:
        made = pool(picture, "avg", 2)
    with pytest.raises(ShapeError, match="but the result has 20") as caught:
        write(made, "small.png")
    assert caught.value.hint == (
        "if its channels come last, write(FeatureMap.from_array(x, 'HWC'), ...); or use output.npy or output.json"
    )
    write(FeatureMap.from_array(made, "HWC"), "small.png")
    assert read("small.png", channels="rgb").values.shape == (3, 20, 15)

"""The steps as functions: what they take, what they give back, and what they answer to other libraries' words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import poolcli
from poolcli import FeatureMap, conv, grad, pool, read, relu, unpool, write
from poolcli.errors import InputError, PositionalError, ShapeError, UnknownKeywordError, UsageError
from poolcli.wording import ELSEWHERE, UNLIKE

X = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
POOLED = [[6, 9], [5, 8]]


class Tensor:
    """As a tensor of another library: an array only once it is detached and in the processor's memory."""

    def __init__(self, values: Any, ready: int = 0) -> None:
        self.values, self.ready = values, ready

    def detach(self) -> Tensor:
        return Tensor(self.values, self.ready + 1)

    def cpu(self) -> Tensor:
        return Tensor(self.values, self.ready + 1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if self.ready < 2:
            raise RuntimeError("a tensor that requires grad")
        return np.asarray(self.values, dtype)


class Broken:
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        raise RuntimeError("on another device")


@pytest.mark.parametrize(
    "x",
    [X.tolist(), X, tuple(map(tuple, X.tolist())), Tensor(X), X.astype(">i4"), np.ma.masked_array(X)],
    ids=["lists", "array", "tuples", "tensor", "big-endian", "nothing masked"],
)
def test_what_holds_numbers_is_pooled(x: Any) -> None:
    made = pool(x)
    assert type(made) is np.ndarray
    assert made.tolist() == POOLED
    assert made.dtype.kind == "i"


def test_masked_is_missing() -> None:
    masked = np.ma.masked_equal(X, 9)
    assert np.isnan(pool(masked)[0, 1])
    assert pool(masked, nan="ignore").tolist() == [[6, 7], [5, 8]]
    assert pool(masked.astype(np.float32)).dtype == np.float32
    assert masked.mask.sum() == 1
    assert np.isnan(relu(masked)[0, 3])
    assert np.isnan(conv(masked, [[1]])[0, 3])
    assert np.isnan(grad(masked)).sum() == 0


def test_a_data_frame_holds_numbers_or_is_refused() -> None:
    import pandas as pd

    test_what_holds_numbers_is_pooled(pd.DataFrame(X))
    test_what_has_no_numbers_is_refused(pd.DataFrame({"a": ["x", "y"]}), "DataFrame has values that are not numbers")
    when = pd.date_range("2026-01-01", periods=2)
    dated = pd.DataFrame({"when": when, "a": [1.0, 2.0], "for": when - when[0]})
    test_what_has_no_numbers_is_refused(dated, "DataFrame has dates or times: when, for")


def test_na_of_a_data_frame_is_missing() -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([3, 4], dtype="Int64")})
    assert np.isnan(pool(frame)).all()
    assert pool(frame, nan="ignore").tolist() == [[4]]
    assert pool(frame["b"]).tolist() == [4]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (Broken(), "Broken does not become an array: on another device"),
        (np.array(["a", "b"]), "values of type <U1 cannot be pooled"),
        (np.ma.masked_array(np.array([1j, 2]), [True, False]), "values of type complex128 cannot be pooled"),
        ([[1, 2], [3]], "rows of the input have different lengths"),
    ],
)
def test_what_has_no_numbers_is_refused(x: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        pool(x)


def test_a_map_gives_a_map_with_its_steps() -> None:
    first = FeatureMap.from_array(X, name="x")
    made = pool(relu(conv(first, "identity")), "avg")
    assert_type(made, FeatureMap)
    assert [step["step"] for step in made.steps] == ["conv", "relu", "pool"]
    assert made.steps[0]["filter"] == "identity"
    assert made.steps[2]["mode"] == "avg"
    assert made.array.tolist() == pool(conv(X, "identity"), "avg").tolist()
    assert pool(first, return_indices=True).indices is not None
    assert grad(first, [[1, 2], [3, 4]]).array.tolist() == grad(X, [[1, 2], [3, 4]]).tolist()
    assert grad(first).steps[0]["step"] == "grad"
    assert first.steps == ()


@pytest.mark.parametrize("compat", ["torch", "onnx"])
def test_a_map_knows_its_layout(compat: str) -> None:
    x = np.arange(48.0).reshape(4, 4, 3)
    assert pool(FeatureMap.from_array(x, "HWC"), compat=compat, stride=2).array.tolist() == [
        [[15, 16, 17], [21, 22, 23]], [[39, 40, 41], [45, 46, 47]]
    ]  # fmt: skip


def test_the_layout_of_an_array_can_be_said() -> None:
    x = np.arange(48).reshape(4, 4, 3)
    assert pool(x, layout="HWC").tolist() == [[[15, 16, 17], [21, 22, 23]], [[39, 40, 41], [45, 46, 47]]]
    values, indices = pool(x, layout="hwc", return_indices=True)
    assert indices[0, 0].tolist() == [5, 5, 5]
    assert values.shape == indices.shape == (2, 2, 3)
    assert conv(x, "box", layout="HWC").shape == (2, 2, 3)
    assert grad(x, layout="HWC").shape == (4, 4, 3)
    assert grad(x, np.ones((2, 2, 3)), layout="HWC")[1, 1].tolist() == [1, 1, 1]
    assert pool(x, layout="CHW").shape == (4, 2, 1)
    with pytest.raises(ShapeError, match="layout CHW names 3 axes, but the input has 2"):
        pool(X, layout="CHW")
    with pytest.raises(ShapeError, match="layout CHW is not that of the input, which is HW"):
        pool(FeatureMap(X), layout="CHW")
    with pytest.raises(UsageError, match="the layout says how many axes are spatial") as caught:
        pool(x, layout="HWC", ndim=2)
    assert caught.value.hint == "drop ndim"
    with pytest.raises(UsageError, match="the layout says"):
        grad(x, layout="HWC", ndim=2)


def test_a_picture_knows_its_layout(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    assert pool(Image.fromarray(rgb)).tolist() == pool(rgb, layout="HWC").tolist()
    assert pool(Image.fromarray(rgb)).dtype == np.uint8
    assert pool(Image.fromarray(rgb[..., 0])).shape == (3, 2)
    opaque = Image.fromarray(rgb).convert("RGBA")
    assert pool(opaque).tolist() == pool(rgb, layout="HWC").tolist()
    drawn = Image.fromarray(rgb[..., 0]).convert("P")  # whose pixels are numbers of colours, not brightness
    assert pool(drawn).tolist() == pool(np.repeat(rgb[..., :1], 3, axis=2), layout="HWC").tolist()
    assert conv(Image.fromarray(rgb), "box").shape == (4, 2, 3)
    target = tmp_path / "x.png"
    write(Image.fromarray(rgb), target)
    assert np.array_equal(read(target, channels="rgb").array, rgb)


def test_arrays_are_written(tmp_path: Path) -> None:
    import pandas as pd

    for name, x in {"a.csv": X, "b.json": X.tolist(), "c.npy": pd.DataFrame(X), "d.csv": FeatureMap(X)}.items():
        write(x, tmp_path / name)
        assert read(tmp_path / name).array.tolist() == X.tolist()


def test_a_map_is_an_array_for_numpy() -> None:
    made = FeatureMap.from_array(np.arange(12).reshape(2, 2, 3), "HWC")
    assert np.asarray(made).tolist() == np.arange(12).reshape(2, 2, 3).tolist()
    assert np.asarray(made, np.float32).dtype == np.float32
    copied = np.array(made)
    copied[:] = 0
    assert made.values.any()


# --- words ------------------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Callable[..., Any]] = {"pool": pool, "grad": grad, "conv": conv, "relu": relu, "unpool": unpool}


@pytest.mark.parametrize(
    ("function", "options", "hint"),
    [
        ("pool", {"kernel_size": 3}, "it is called size here"),
        ("pool", {"strides": 3}, "it is called stride here"),
        ("pool", {"data_format": "x"}, "it is called layout here"),
        ("pool", {"sise": 3}, "did you mean size?"),
        ("pool", {"x_y_z": 3}, "known: ceil_mode, compat, "),
        ("grad", {"pool_size": 3}, "it is called size here"),
        ("conv", {"kernel": "box", "dilation_rate": 2}, "it is called dilation here"),
        ("relu", {"inplace": True}, "known: x"),
        ("unpool", {"indices": X, "kernel_size": 2}, "known: indices, shape, values"),
    ],
)
def test_keywords_of_others_are_answered_with_ours(function: str, options: dict[str, Any], hint: str) -> None:
    wrong = next(name for name in options if name not in ("kernel", "indices"))
    with pytest.raises(UnknownKeywordError, match=f"{function} has no keyword '{wrong}'") as caught:
        FUNCTIONS[function](X, **options)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("function", "arguments", "hint"),
    [
        ("pool", ("max", (3, 3), (2, 2)), "such as stride=(2, 2)"),
        ("grad", (None, "max", 3, 2, 1), "such as stride=2"),
        ("conv", ("box", 2), "such as stride=2"),
    ],
)
def test_an_argument_that_needs_a_name_is_given_one(function: str, arguments: Any, hint: str) -> None:
    takes = len(arguments) - (function == "grad")
    said = f"^{function} takes {takes} arguments without a name, not {len(arguments) + 1}"
    with pytest.raises(PositionalError, match=said) as caught:
        FUNCTIONS[function](X, *arguments)
    assert caught.value.hint == hint


def test_every_word_from_elsewhere_leads_to_one_of_ours() -> None:
    from inspect import signature

    from poolcli.formats.options import ReadOptions, WriteOptions
    from poolcli.pooling.options import Options

    ours = {*Options.__optional_keys__, *(name for one in FUNCTIONS.values() for name in signature(one).parameters)}
    ours |= {*ReadOptions._fields, *WriteOptions._fields}
    assert set(ELSEWHERE.values()) <= ours
    assert {name for advice in UNLIKE.values() for name in advice.names} <= ours


@pytest.mark.parametrize("size", [3, (3, 3), [3, 3]])
def test_a_size_in_place_of_a_mode_is_answered_with_its_keyword(size: Any) -> None:
    for function in (pool, poolcli.explain):
        with pytest.raises(UsageError, match="is not the name of a mode") as caught:
            function(X, size)
        assert caught.value.hint == f"size={size}"


def test_a_name_in_place_of_a_map_is_to_be_read() -> None:
    for name in ("in.csv", Path("in.csv")):
        with pytest.raises(InputError, match="is a name, not a map") as caught:
            pool(name)  # type: ignore[arg-type]  # what is tested
        assert caught.value.hint == "read the file first: read('in.csv')"


def test_a_mode_in_place_of_a_gradient_is_answered_with_its_keyword() -> None:
    with pytest.raises(UsageError, match="the second argument of grad is the gradient of the output") as caught:
        poolcli.grad(X, "avg")
    assert caught.value.hint == "mode='avg'"


def test_names_are_listed() -> None:
    assert {name for name in dir(poolcli) if name[0] != "_"} == {name for name in poolcli.__all__ if name[0] != "_"}
    assert "__version__" in dir(poolcli)
    assert "kernel size in cells" in str(pool.__doc__)

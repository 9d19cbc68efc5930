"""Every published number of the lessons that poolcli makes runnable, through the real command line.

The numbers are those of the lessons, typed in here; the inputs are in ``sample_inputs/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.process import Run, Shell

# --- Brownlee, "A Gentle Introduction to Pooling Layers for Convolutional Neural Networks" ----------------------------

FILTERED = [[0, 0, 3, 3, 0, 0]] * 6
BROWNLEE = ("--filter", "vertical-line", "--relu")


def test_brownlee_input_is_a_vertical_line_two_pixels_wide(samples: Path) -> None:
    lines = (samples / "line_8x8.csv").read_text(encoding="utf-8").split()
    assert lines == ["0,0,0,1,1,0,0,0"] * 8


def test_brownlee_feature_map_after_filter_and_relu(call: Run, samples: Path) -> None:
    result = call("conv", "--filter", "vertical-line", "--relu", "--json", samples / "line_8x8.csv")
    assert result.code == 0
    assert result.data() == FILTERED
    assert [step["step"] for step in result.json()["steps"]] == ["conv", "relu"]


def test_brownlee_filter_has_nine_weights_and_a_bias(call: Run, samples: Path) -> None:
    """The layer's ten parameters: the lesson's bias is 0, so another one is added to every value."""
    kernel = call("filters", "--json").json()
    (weights,) = [row["kernel"] for row in kernel if row["filter"] == "vertical-line"]
    assert weights == [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    biased = call("conv", "--filter", "vertical-line", "--bias", "1", "--json", samples / "line_8x8.csv")
    assert biased.data() == [[1, 1, 4, 4, 1, 1]] * 6


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--mode", "avg"], [[0, 3, 0]] * 3),
        (["--mode", "max"], [[0, 3, 0]] * 3),
        (["--mode", "max", "--global"], [[3]]),
        (["--mode", "avg", "--global"], [[1]]),
    ],
    ids=["average", "max", "global max", "global average"],
)
def test_brownlee_pooling_layers(call: Run, samples: Path, options: list[str], expected: Any) -> None:
    result = call("pool", *BROWNLEE, *options, "--json", samples / "line_8x8.csv")
    assert result.code == 0
    assert result.data() == expected


def test_brownlee_as_a_stack_of_commands(shell: Shell, samples: Path) -> None:
    """Convolution, ReLU, pooling, repeated; the pooled 3x3 goes on to a global average of 9 ones in 9 cells."""
    line = (
        "poolcli conv --filter vertical-line --relu --json line_8x8.csv | poolcli pool --json"
        " | poolcli pool --mode avg --global"
    )
    result = shell(line, cwd=samples)
    assert (result.code, result.err) == (0, "")
    assert result.cells() == [["1"]]


def test_brownlee_each_feature_map_is_pooled_by_itself(call: Run) -> None:
    """Two channels: the lesson's feature map and its negative; ReLU empties the second."""
    line = np.array(FILTERED)
    text = f'{{"layout": "CHW", "data": {np.stack([line, -line]).tolist()}}}'
    result = call("pool", "--mode", "avg", "--json", stdin=text)
    assert result.data() == [[[0, 3, 0]] * 3, [[0, -3, 0]] * 3]
    assert call("pool", "--relu", "--json", stdin=text).data() == [[[0, 3, 0]] * 3, [[0, 0, 0]] * 3]


# --- Towards AI, "Introduction To Pooling Layers In CNN" --------------------------------------------------------------

TOWARDS = ("--size", "2", "--stride", "2", "--json")


@pytest.mark.parametrize(
    ("mode", "expected"), [("max", [[7, 3], [9, 3]]), ("average", [[3, 1], [4, 2]]), ("avg", [[3, 1], [4, 2]])]
)
def test_towards_ai_matrix(call: Run, samples: Path, mode: str, expected: Any) -> None:
    assert call("pool", "--mode", mode, *TOWARDS, samples / "towards_4x4.csv").data() == expected


@pytest.mark.parametrize(("mode", "expected"), [("avg", [2, 5, 1.5, 1.5]), ("max", [5, 9, 3, 3])])
def test_towards_ai_sample_with_channels_last(call: Run, samples: Path, mode: str, expected: list[float]) -> None:
    result = call("pool", "--mode", mode, "--global", "--json", samples / "sample_nhwc.json")
    document = result.json()
    assert document["data"] == [[[expected]]]
    assert document["shape"] == [1, 1, 1, 4]
    assert document["layout"] == "NHWC"


def test_towards_ai_sample_is_the_matrix(samples: Path) -> None:
    import json

    rows = (samples / "towards_4x4.csv").read_text(encoding="utf-8").split()
    numbers = [int(cell) for row in rows for cell in row.split(",")]
    sample = json.loads((samples / "sample_nhwc.json").read_text(encoding="utf-8"))
    assert np.array(sample["data"]).shape == (1, 2, 2, 4)
    assert np.array(sample["data"]).ravel().tolist() == numbers


def test_towards_ai_sample_by_option_instead_of_key(call: Run) -> None:
    text = "[[[[3, 2, 0, 0], [0, 7, 1, 3]], [[5, 2, 3, 0], [0, 9, 2, 3]]]]"
    result = call("pool", "--mode", "avg", "--global", "--layout", "NHWC", "--json", stdin=text)
    assert result.data() == [[[[2, 5, 1.5, 1.5]]]]


# --- GeeksforGeeks, "CNN | Introduction to Pooling Layer" -------------------------------------------------------------


def test_geeks_max_exactly_as_the_issue_types_it(call: Run, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "input.csv").write_bytes((samples / "geeks_4x4.csv").read_bytes())
    result = call("pool", "--mode", "max", "--size", "2", "--stride", "2", "input.csv", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert result.cells() == [["6", "9"], ["5", "8"]]
    assert result.facts()["output"].startswith("2x2")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--mode", "max"], [[6, 9], [5, 8]]),
        (["--mode", "avg"], [[3.75, 4.75], [3.5, 5.75]]),
        (["--mode", "max", "--global"], [[9]]),
        (["--mode", "avg", "--global"], [[4.4375]]),
        (["--mode", "global-max"], [[9]]),
        (["--mode", "global-average"], [[4.4375]]),
    ],
)
def test_geeks_values(call: Run, samples: Path, options: list[str], expected: Any) -> None:
    assert call("pool", *options, "--json", samples / "geeks_4x4.csv").data() == expected


def test_geeks_averages_in_the_table(call: Run, samples: Path) -> None:
    result = call("pool", "--mode", "avg", samples / "geeks_4x4.csv")
    assert result.cells() == [["3.75", "4.75"], ["3.5", "5.75"]]


def test_geeks_output_size(call: Run, samples: Path) -> None:
    """(n - f + 1) / s, rounded up: 4, 2, 2 gives 2."""
    assert call("pool", "--size", "2", "--stride", "2", "--json", samples / "geeks_4x4.csv").json()["shape"] == [2, 2]


# --- deeplizard, "Max Pooling in Convolutional Neural Networks explained" ---------------------------------------------


def test_deeplizard_seven_is_pooled_to_the_published_map(call: Run, samples: Path) -> None:
    result = call(
        "pool", "--mode", "max", "--size", "2", "--stride", "2", "--format", "csv", samples / "seven_26x26.csv"
    )
    assert (result.code, result.err) == (0, "")
    assert result.out == (samples / "seven_max_13x13.csv").read_text(encoding="utf-8")


def test_deeplizard_seven_shapes(call: Run, samples: Path) -> None:
    facts = call("pool", samples / "seven_26x26.csv").facts()
    assert facts["input"].startswith("26x26 float64")
    assert facts["output"].startswith("13x13 float64")


def test_deeplizard_four_windows(call: Run) -> None:
    """A 4x4 map whose four windows give 9, 8, 6 and 5."""
    text = "9 1 2 8\n3 4 5 6\n6 0 5 1\n2 3 4 2\n"
    assert call("pool", "--json", stdin=text).data() == [[9, 8], [6, 5]]


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((20, 20, 32), ["--size", "2", "--stride", "2", "--padding", "valid"], [10, 10, 32]),
        ((20, 20, 3), ["--mode", "avg", "--size", "2"], [10, 10, 3]),
    ],
    ids=["its max pooling layer", "the input itself"],
)
def test_deeplizard_shapes_channels_last(
    call: Run, tmp_path: Path, shape: tuple[int, ...], options: list[str], expected: list[int]
) -> None:
    np.save(tmp_path / "map.npy", np.zeros(shape, dtype=np.float32))
    result = call("pool", *options, "--layout", "HWC", "--json", tmp_path / "map.npy")
    assert result.json()["shape"] == expected


@pytest.mark.parametrize(("shape", "layout", "expected"), [((6,), "L", [3]), ((4, 4, 4), "DHW", [2, 2, 2])])
def test_deeplizard_one_and_three_dimensions(
    call: Run, tmp_path: Path, shape: tuple[int, ...], layout: str, expected: list[int]
) -> None:
    values = np.arange(int(np.prod(shape))).reshape(shape)
    np.save(tmp_path / "map.npy", values)
    document = call("pool", "--layout", layout, "--json", tmp_path / "map.npy").json()
    assert document["shape"] == expected
    last_cells = values[tuple(slice(1, None, 2) for _ in shape)]  # the values rise, so the last cell of a window wins
    assert document["data"] == last_cells.tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--stride", "1", "--padding", "valid"], [2, 3, 4, 5]),
        (["--stride", "2", "--padding", "valid"], [2, 4]),
        (["--stride", "1", "--padding", "same"], [2, 3, 4, 5, 5]),
    ],
)
def test_keras_documentation_of_max_pooling_1d(
    call: Run, samples: Path, options: list[str], expected: list[int]
) -> None:
    assert call("pool", "--size", "2", *options, "--json", samples / "keras_5.json").data() == expected


# --- what readers asked -----------------------------------------------------------------------------------------------


def test_readers_which_index_is_kept(call: Run, samples: Path) -> None:
    document = call("pool", "--indices", "--json", samples / "geeks_4x4.csv").json()
    assert document["indices"] == [[5, 3], [13, 10]]


def test_readers_which_index_when_values_tie(call: Run) -> None:
    """The first in row-major order: 4x4 ones give 0, 2, 8, 10."""
    document = call("pool", "--indices", "--json", stdin="1,1,1,1\n" * 4).json()
    assert document["indices"] == [[0, 2], [8, 10]]


def test_readers_unpool_puts_the_maxima_back(shell: Shell, samples: Path) -> None:
    result = shell("poolcli pool --indices --json geeks_4x4.csv | poolcli unpool --format csv", cwd=samples)
    assert (result.code, result.err) == (0, "")
    assert result.out == "0,0,0,9\n0,6,0,0\n0,0,8,0\n0,5,0,0\n"


def test_readers_gradients_of_max_and_of_average(call: Run, samples: Path) -> None:
    of_max = call("grad", "--mode", "max", "--json", samples / "geeks_4x4.csv").data()
    assert of_max == [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]]
    of_average = call("grad", "--mode", "avg", "--json", samples / "geeks_4x4.csv").data()
    assert of_average == [[0.25] * 4] * 4


def test_readers_gradient_of_a_tie_goes_to_the_first(call: Run) -> None:
    assert call("grad", "--json", stdin="1,1\n1,1\n").data() == [[1, 0], [0, 0]]


def test_readers_global_sum_pooling(call: Run, samples: Path) -> None:
    assert call("pool", "--mode", "sum", "--global", "--json", samples / "geeks_4x4.csv").data() == [[71]]


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (["--size", "3"], [1, 1]),
        (["--size", "3", "--stride", "1"], [2, 2]),
        (["--size", "3", "--stride", "1", "--padding", "same"], [4, 4]),
        (["--size", "3", "--padding", "same"], [2, 2]),
        (["--size", "2", "--stride", "1", "--padding", "1"], [5, 5]),
        (["--size", "3", "--ceil-mode"], [2, 2]),
    ],
)
def test_readers_what_strides_and_padding_do_to_the_shape(
    call: Run, samples: Path, options: list[str], shape: list[int]
) -> None:
    assert call("pool", *options, "--json", samples / "geeks_4x4.csv").json()["shape"] == shape


def test_readers_down_sampling_with_a_strided_convolution(call: Run, samples: Path) -> None:
    """The 2x2 mean as a kernel with stride 2 is average pooling."""
    kernel = "[[0.25, 0.25], [0.25, 0.25]]"
    strided = call("conv", "--filter", kernel, "--stride", "2", "--json", samples / "geeks_4x4.csv")
    assert strided.data() == [[3.75, 4.75], [3.5, 5.75]]

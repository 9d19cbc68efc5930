"""Recipes: what is read, what is refused before anything runs, what is changed, what is written."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from poolcli.errors import InputError, PoolcliError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.png_chunks import own_text
from poolcli.steps import recipe, shapes
from poolcli.steps.provenance import Provenance, stamp
from poolcli.steps.steps import (
    STEPS,
    ConvStep,
    GradStep,
    NormalizeStep,
    PoolStep,
    ReluStep,
    Step,
    UnpoolStep,
    apply,
    without_shapes,
)
from tests.support.process import SAMPLES, Run

MAP = FeatureMap(np.arange(64.0).reshape(8, 8))
POOL = {"step": "pool", "mode": "avg", "size": [2, 2], "stride": [2, 2]}


def written(folder: Path, value: Any) -> Path:
    path = folder / "recipe.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize("value", [[POOL], {"steps": [POOL]}, {"shape": [1], "data": [1], "steps": [POOL], "x": 5}])
def test_a_recipe_is_a_list_of_steps_or_any_json_that_has_one(tmp_path: Path, value: Any) -> None:
    assert recipe.load_recipe(written(tmp_path, value)) == [PoolStep("avg", (2, 2), {"stride": (2, 2)})]


EVERY_STEP: list[Step] = [
    ConvStep([[1, 0], [0, -1]], padding=((1, 0), (0, 1)), dilation=2, bias=0.5),
    ReluStep(),
    PoolStep("lp:3", (3, 2), {"stride": 1, "padding": ((1, 0), (0, 1)), "pad_fill": 0, "ceil_mode": True}),
    PoolStep("avg", None, {"output_size": (3, 3), "nan": "ignore"}),
    PoolStep("max", 2, {"output_size": (2, 2), "fractional": True, "seed": 3}),
    PoolStep("max", 1, {"compat": "onnx", "storage_order": 1}, indices=True),
    UnpoolStep({"size": 1, "compat": "onnx"}),
    PoolStep("avg", 1, {"count_include_pad": True}),
    NormalizeStep(-1, 1),
    GradStep(PoolStep("max", 1), np.ones((2, 2))),
    PoolStep("max", None, {"global_window": True}),
]


def test_every_step_comes_back_from_its_record_and_does_the_same(tmp_path: Path) -> None:
    assert {type(step) for step in EVERY_STEP} == set(STEPS.values()), "a new step belongs here"
    done = apply(MAP, EVERY_STEP)
    recipe.save(tmp_path / "recipe.json", done.steps)
    again = apply(MAP, recipe.load_recipe(tmp_path / "recipe.json"))
    assert np.array_equal(done.values, again.values)
    assert list(map(dict, done.steps)) == list(map(dict, again.steps))


def test_a_saved_recipe_has_one_step_a_line_and_no_shapes(tmp_path: Path) -> None:
    recipe.save(tmp_path / "r.json", apply(MAP, [ReluStep(), PoolStep()]).steps)
    lines = (tmp_path / "r.json").read_text().splitlines()
    assert lines == ["[", '  {"step":"relu"},', '  {"step":"pool","mode":"max","size":[2,2],"stride":[2,2]}', "]"]


@pytest.mark.parametrize(
    ("steps", "kind", "said"),
    [
        ([POOL, {"step": "pol"}], UnknownNameError, "step 2 (pol): unknown step 'pol'"),
        ([{"step": "pool", "sise": 2}], UnknownNameError, "step 1 (pool): unknown option 'sise'"),
        ([{"step": "relu", "size": 2}], UnknownNameError, "step 1 (relu): unknown option 'size'"),
        ([{"step": "pool", "mode": "maxx"}], UnknownNameError, "step 1 (pool): unknown mode 'maxx'"),
        ([{"step": "conv", "filter": "sobel"}], UnknownNameError, "step 1 (conv): unknown filter 'sobel'"),
        ([{"step": "conv"}], InputError, "step 1 (conv): it needs a filter or a kernel"),
        ([{"step": "conv", "kernel": [[1, 2], [3]]}], InputError, "different lengths"),
        ([{"step": "pool", "size": "3"}], InputError, "step 1 (pool): size is '3'"),
        ([{"step": "pool", "size": True}], InputError, "size is True"),
        ([{"step": "pool", "size": [2, 2.5]}], InputError, "size is [2, 2.5]"),
        ([{"step": "pool", "size": 0}], UsageError, "step 1 (pool): size 0"),
        ([{"step": "pool", "mode": 5}], InputError, "mode is 5"),
        ([{"step": "pool", "ceil_mode": 1}], InputError, "ceil_mode is 1"),
        ([{"step": "pool", "padding": [[1, 2], [3]]}], UsageError, "step 1 (pool)"),
        ([{"step": "pool", "padding": [[1, 2], 3]}], UsageError, "step 1 (pool)"),
        ([{"step": "pool", "global": True, "size": 2}], UsageError, "cannot be combined"),
        ([{"step": "pool", "mode": "stochastic"}], UsageError, "needs a seed"),
        ([{"step": "pool", "mode": "avg", "indices": True}], UsageError, "no indices"),
        ([{"step": "normalize", "low": "x"}], InputError, "low is 'x'"),
        ([{"step": "grad", "mode": "nope"}], UnknownNameError, "step 1 (grad)"),
        ([{"mode": "max"}], InputError, "step 1: {'mode': 'max'} is not a step"),
        ([POOL, "relu"], InputError, "step 2: 'relu' is not a step"),
        ([], InputError, "no steps"),
        ({"data": [1]}, InputError, "no list of steps"),
        (5, InputError, "no list of steps"),
    ],
)
def test_what_is_wrong_is_told_with_the_file_and_the_step(
    tmp_path: Path, steps: Any, kind: type[PoolcliError], said: str
) -> None:
    path = written(tmp_path, steps)
    with pytest.raises(kind) as caught:
        recipe.load_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "[", '{"steps": [}', "\xff", "[" * 100_000, "null"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"recipe\.json: "):
        recipe.load_recipe(path)


def test_null_means_not_given_and_shapes_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, [POOL | {"seed": None, "shape": [9, 9]}])
    assert recipe.load_recipe(path) == recipe.load_recipe(written(tmp_path, [POOL]))


# Changing


@pytest.mark.parametrize(
    ("setting", "option", "value"),
    [
        ("2.size=3x2", "size", [3, 2]), ("pool.size=3", "size", 3), ("pool.mode=lp:3", "mode", "lp:3"),
        ("pool.padding=same", "padding", "same"), ("pool.padding=1,0,1,0", "padding", [[1, 0], [1, 0]]),
        ("pool.ceil-mode=true", "ceil_mode", True), ("pool.stride=null", "stride", None),
        ("2.pad_fill=-1.5", "pad_fill", -1.5), ("pool.output_size=[1,2]", "output_size", [1, 2]),
    ],
)  # fmt: skip
def test_a_setting_changes_one_option_of_one_stage(setting: str, option: str, value: Any) -> None:
    before = [{"step": "relu"}, dict(POOL)]
    after = recipe.overridden(before, [setting])
    assert after[1][option] == value
    assert type(after[1][option]) is type(value)
    assert before == [{"step": "relu"}, POOL]


@pytest.mark.parametrize(
    "setting", ["size=3", "pool.size", "4.size=1", "0.size=1", "conv.size=1", "relu.x=1", ".=", ""]
)
def test_a_setting_that_names_no_single_step_is_refused(setting: str) -> None:
    with pytest.raises(UsageError, match=r"step|STEP"):
        recipe.overridden([{"step": "relu"}, POOL, {"step": "relu"}], [setting])


# Checking against a shape


@pytest.mark.parametrize(
    "steps",
    [
        [PoolStep(size=3), PoolStep(size=2, options={"padding": 1, "ceil_mode": True})],
        [ConvStep([[1, 2], [3, 4]], padding="same"), ReluStep(), PoolStep(options={"global_window": True})],
        [PoolStep(size=2, indices=True), UnpoolStep(), PoolStep("avg", 3)],
        [GradStep(PoolStep("avg", 2)), NormalizeStep(), PoolStep("max", None, {"output_size": (2, 3)})],
    ],
)
@pytest.mark.parametrize(("shape", "layout"), [((9, 8), "HW"), ((2, 9, 8), "CHW"), ((9, 8, 3), "HWC")])
def test_shapes_are_foretold(steps: Sequence[Step], shape: tuple[int, ...], layout: str) -> None:
    stage = FeatureMap.from_array(np.ones(shape), layout)
    told = []
    for step in steps:
        stage = step.apply(stage)
        told.append(stage.shape)
    assert shapes.validate(steps, shape, layout) == told


@pytest.mark.parametrize(
    ("steps", "kind", "said"),
    [
        ([PoolStep(), PoolStep(), PoolStep(size=9)], ShapeError, "step 3 (pool): window 9x9 is larger"),
        ([ReluStep(), PoolStep(size=1, options={"padding": 2})], ShapeError, "step 2 (pool): "),
        ([ConvStep([1, 2, 3])], ShapeError, "step 1 (conv): "),
        ([PoolStep(size=2, indices=True), ReluStep(), UnpoolStep()], ShapeError, "step 3 (unpool): no indices"),
        ([GradStep(PoolStep(size=99))], ShapeError, "step 1 (grad): "),
        ([PoolStep(size=(2, 2, 2))], UsageError, "step 1 (pool): "),
        ([ConvStep([[1]]), ReluStep(own=False), PoolStep(size=99)], ShapeError, "step 2 (pool): "),
    ],
)
def test_a_step_that_does_not_fit_is_named_before_anything_runs(
    steps: Sequence[Step], kind: type[PoolcliError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        shapes.validate(steps, (16, 16))
    assert str(caught.value).startswith(said)


def test_what_only_the_data_know_is_not_foretold() -> None:
    assert shapes.validate([UnpoolStep(), PoolStep()], (4, 4)) == []


# What made a picture


def test_a_png_carries_its_recipe(tmp_path: Path) -> None:
    done = apply(MAP, [ReluStep(), PoolStep("avg", 2)])
    path = tmp_path / "a.png"
    from poolcli.formats import write

    write(done, path, text=stamp(done, ReadOptions(), WriteOptions()))
    assert recipe.load_recipe(path) == recipe.from_records(done.steps)
    from PIL import Image

    with Image.open(path) as picture:
        assert json.loads(picture.info["poolcli"])["steps"] == without_shapes(done.steps)


def test_a_png_without_a_recipe_says_so(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="no recipe in this picture"):
        recipe.load_recipe(tmp_path / "a.png")


def test_no_damaged_png_confuses_the_search_for_a_stamp(tmp_path: Path) -> None:
    from poolcli.formats import write

    done = apply(MAP, [PoolStep("avg", 2)])
    write(done, tmp_path / "a.png", text=stamp(done, ReadOptions(), WriteOptions(zoom=2)))
    data = (tmp_path / "a.png").read_bytes()
    whole = own_text(io.BytesIO(data))
    assert whole is not None
    for cut in range(len(data)):
        assert own_text(io.BytesIO(data[:cut])) in (None, whole)
    for place in range(8, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        assert own_text(io.BytesIO(damaged)) in (None, whole)


USUAL = (ReadOptions(), WriteOptions())


@pytest.mark.parametrize(
    ("steps", "reading", "writing", "same"),
    [
        ([PoolStep("mean", 2, {"stride": (2, 2)})], *USUAL, True),
        ([PoolStep("avg", (2, 2), {"padding": "valid", "seed": None})], *USUAL, True),
        ([PoolStep("avg", 3)], *USUAL, False),
        ([PoolStep("max", 2)], *USUAL, False),
        ([ReluStep(), PoolStep("avg", 2)], *USUAL, False),
        ([PoolStep("avg", 2)], ReadOptions(channels="rgb"), WriteOptions(), False),
        ([PoolStep("avg", 2)], ReadOptions(), WriteOptions(zoom=2), False),
        ([PoolStep("avg", 2)], ReadOptions(max_pixels=9), WriteOptions(format="png"), True),
        ([PoolStep("avg", (2, 2, 2))], *USUAL, False),
    ],
)
def test_what_made_a_result_is_compared_by_what_it_does(
    steps: Sequence[Step], reading: ReadOptions, writing: WriteOptions, same: bool
) -> None:
    done = Provenance.of(PoolStep("avg", 2).apply(MAP), ReadOptions(), WriteOptions())
    again = Provenance.from_json(json.loads(json.dumps(done.json())))
    assert again is not None
    assert again.same(steps, reading, writing) is same


def test_steps_that_the_input_had_already_do_not_count() -> None:
    done = Provenance.of(apply(MAP, [ReluStep(), PoolStep("avg", 2)]), *USUAL)
    assert done.same([PoolStep("avg", 2)], *USUAL)


@pytest.mark.parametrize("value", [None, [], {}, {"steps": 5}, {"steps": [], "ndim": 7}, {"steps": [], "read": 1}])
def test_what_is_no_such_record_is_none(value: Any) -> None:
    assert Provenance.from_json(value) is None


# The command


def test_a_recipe_is_saved_and_replayed_on_another_input(call: Run, tiny: Path, tmp_path: Path) -> None:
    saved, other = tmp_path / "recipe.json", tmp_path / "other.csv"
    other.write_text("9,1,1,1\n1,1,1,1\n1,1,1,1\n1,1,1,2\n")
    first = call("run", tiny, "--json", "--save-steps", saved, "relu", "then", "pool", "--mode", "max")
    assert first.code == 0, first.err
    again = call("run", other, "--steps", saved, "--json")
    assert again.data() == [[9, 1], [1, 2]]
    (tmp_path / "result.json").write_bytes(first.raw)
    assert call("run", other, "--steps", tmp_path / "result.json", "--json").raw == again.raw


def test_a_recipe_that_does_not_fit_is_refused_before_work(call: Run, tiny: Path, tmp_path: Path) -> None:
    path = written(tmp_path, [POOL, {"step": "relu"}, {"step": "pool", "size": [3, 3]}])
    result = call("run", tiny, "--steps", path, "-o", tmp_path / "out.csv")
    assert result.code == 1
    assert "step 3 (pool): window 3x3 is larger than the input 2x2" in result.err
    assert not (tmp_path / "out.csv").exists()


def test_a_recipe_is_changed_on_the_command_line(call: Run, tmp_path: Path) -> None:
    written(tmp_path, [{"step": "relu"}, {"step": "pool", "mode": "max", "size": [2, 2]}])
    words = ("run", "-", "--steps", "recipe.json", "--set", "2.mode=sum", "--set", "pool.stride=1", "--json")
    result = call(*words, stdin="1,2,3\n4,-5,6\n", cwd=tmp_path)
    assert result.data() == [[7, 11]]
    assert call("run", "-", "--set", "1.size=3", "relu", stdin="1\n").code == 2
    wrong = call("run", "-", "--steps", "recipe.json", "--set", "3.size=3", stdin="1\n", cwd=tmp_path)
    assert (wrong.code, "there is no step 3" in wrong.err) == (2, True)


# Stages on the command line


@pytest.mark.parametrize(
    ("stack", "code", "said"),
    [
        ("pool then pool then pol", 2, "error: step 3: unknown step 'pol'\nhint: did you mean pool or unpool?\n"),
        ("conv --filter identity --relu then pool --size 99", 1, "error: step 2 (pool): window 99x99 is larger"),
        ("conv --filter identity --relu then unpool", 1, "error: step 2 (unpool): no indices"),
        ("relu then normalize --lo 3", 2, "hint: the options of normalize are --low, --high\n"),
        ("relu --low 3", 2, "hint: normalize has --low\n"),
        ("relu --lw 3", 2, "hint: relu has no options\n"),
        ("pool --siz 3", 2, "hint: see: poolcli pool --help\n"),
    ],
)  # fmt: skip
def test_a_step_is_named_as_it_was_typed(call: Run, tiny: Path, stack: str, code: int, said: str) -> None:
    result = call("run", tiny, *stack.split())
    assert (result.code, said in result.err) == (code, True), result.err


def test_the_layer_table_goes_where_the_result_does_not(call: Run, tiny: Path, tmp_path: Path) -> None:
    on_screen = call("run", tiny, "relu", "then", "pool").tables()[0]
    words = ("run", tiny, "relu", "then", "pool", "-o")
    assert call(*words, tmp_path / "out.csv").tables() == [on_screen]
    assert [row[0] for row in on_screen[1:]] == ["input", "relu", "pool"]
    assert call(*words, tmp_path / "out.csv", "-q").out == ""
    assert call("run", tiny, "relu", "then", "pool", "-f", "csv").out == "6,9\n5,8\n"


def test_data_on_standard_output_stay_alone_by_any_name(run: Run, tiny: Path) -> None:
    assert run("run", tiny, "pool", "-f", "csv", "-o", "/dev/stdout").out == "6,9\n5,8\n"


def test_a_picture_says_nothing_of_options_that_are_as_usual(call: Run, tmp_path: Path) -> None:
    assert call("pool", SAMPLES / "astronaut.jpg", "-o", tmp_path / "a.png").code == 0
    with Image.open(tmp_path / "a.png") as picture:
        assert json.loads(picture.info["poolcli"]).keys() == {"steps"}


@pytest.mark.parametrize(
    ("settings", "more"),
    [(["pool.size=2"], ["pool.stride=2"]), (["1.size=2x3"], ["1.stride=2x3"]), (["pool.size=2", "1.stride=3"], []),
     (["pool.mode=avg"], [])],
)  # fmt: skip
def test_a_stride_that_stays_is_told(call: Run, tmp_path: Path, settings: list[str], more: list[str]) -> None:
    np.savetxt(tmp_path / "m.csv", np.arange(36).reshape(6, 6), "%d", ",")
    (tmp_path / "r.json").write_text(call("pool", "-k", "3", "--json", "m.csv", cwd=tmp_path).out)
    words = [word for setting in settings for word in ("--set", setting)]
    for command in (["run"], ["batch", "--overwrite", "-o", "out"]):
        typed = [*command, "--steps", "r.json", *words]
        told = "".join(f"note: the stride stays 3x3; --set {one} changes it, too\n" for one in more)
        assert call(*typed, "m.csv", cwd=tmp_path).err == told
        obeyed = [word for one in more for word in ("--set", one)]
        assert call(*typed, *obeyed, "m.csv", cwd=tmp_path).err == ""


@pytest.mark.parametrize("setting", ["conv.filter=gaussian-5", "conv.kernel=[[1, 2], [3, 4]]"])
def test_a_new_filter_takes_the_place_of_the_recorded_kernel(tmp_path: Path, setting: str) -> None:
    """And of its name and size, which the record holds, too."""
    lines = FeatureMap(np.arange(64.0).reshape(8, 8) % 7)
    path = tmp_path / "recipe.json"
    recipe.save(path, apply(lines, [ConvStep.from_record({"filter": "vertical-line"})]).steps)
    (step,) = recipe.load_recipe(path, [setting])
    value = setting.partition("=")[2]
    fresh = {"filter": value} if value[0] != "[" else {"kernel": json.loads(value)}
    assert isinstance(step, ConvStep)
    assert step.label == ConvStep.from_record(fresh).label
    np.testing.assert_array_equal(apply(lines, [step]).values, apply(lines, [ConvStep.from_record(fresh)]).values)


def test_the_size_of_a_kernel_is_not_another(tmp_path: Path) -> None:
    path = written(tmp_path, [{"step": "conv", "filter": "box", "size": [3, 3]}])
    assert recipe.load_recipe(path) == recipe.load_recipe(path, ["conv.size=3"])
    with pytest.raises(UsageError, match="size 5 is not that of the kernel, 3x3"):
        recipe.load_recipe(path, ["conv.size=5"])
    with pytest.raises(UnknownNameError, match="unknown filter 'nonsense'"):
        recipe.load_recipe(path, ["conv.filter=nonsense"])


def test_a_new_seed_takes_the_place_of_recorded_offsets(tmp_path: Path) -> None:
    drawn = {seed: PoolStep("max", None, {"output_size": (5, 5), "fractional": True, "seed": seed}) for seed in (1, 9)}
    path = tmp_path / "recipe.json"
    recipe.save(path, apply(MAP, [drawn[1]]).steps)
    (step,) = recipe.load_recipe(path, ["pool.seed=9"])
    made, expected = apply(MAP, [step]).values, apply(MAP, [drawn[9]]).values
    np.testing.assert_array_equal(made, expected)
    assert not np.array_equal(expected, apply(MAP, [drawn[1]]).values)

"""Record the gradients of TensorFlow, Flax and Paddle; each runs in an environment of its own.

The answers are data: ``tests/pooling/test_runtime_gradients.py`` replays them with none of them installed::

    pip install flax==0.12.8 jax==0.10.2            # or tensorflow-cpu==2.21.0, or paddlepaddle==3.3.1
    python tests/golden/runtime_gradients.py flax   # rewrites its lines of runtime_gradients.jsonl
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("runtime_gradients.jsonl")
SIDES = ((1, 1), (0, 2))
TIED = np.ones((4, 4), np.float32)

Case = tuple[Any, dict[str, Any], Any]


def grids() -> Iterator[Any]:
    """Maps in which no two cells are equal."""
    rng = np.random.default_rng(5)
    while True:
        yield rng.permutation(36).reshape(6, 6).astype(np.float32) / 4 + 1


def flax() -> Iterator[Case]:
    """Yield what Flax answers."""
    jax, pooling = import_module("jax"), import_module("flax.linen.pooling")

    def back(x: Any, pool: Callable[[Any], Any]) -> Any:
        return jax.grad(lambda t: pool(t[None, :, :, None]).sum())(jax.numpy.asarray(x))

    windows = itertools.product(("max", "min", "avg"), (2, 3), (1, 2), ("VALID", "SAME", SIDES))
    for (mode, size, stride, padding), x in zip(windows, grids(), strict=False):
        layer, sizes = getattr(pooling, f"{mode}_pool"), {"strides": (stride, stride), "padding": padding}
        made = back(x, partial(layer, window_shape=(size, size), **sizes))
        yield x, {"mode": mode, "size": size, "stride": stride, "padding": padding}, made
    yield TIED, {"mode": "max", "size": 2, "stride": 2}, back(TIED, lambda t: pooling.max_pool(t, (2, 2), (2, 2)))


def tensorflow() -> Iterator[Case]:
    """Yield what TensorFlow answers."""
    tf = import_module("tensorflow")

    def back(x: Any, pool: Callable[[Any], Any]) -> Any:
        t = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(t)
            total = tf.reduce_sum(pool(t[None, :, :, None]))
        return tape.gradient(total, t)

    windows = itertools.product(("max", "avg"), (2, 3), (1, 2), ("VALID", "SAME"))
    for (mode, size, stride, padding), x in zip(windows, grids(), strict=False):
        layer = getattr(tf.nn, f"{mode}_pool2d")
        made = back(x, partial(layer, ksize=size, strides=stride, padding=padding))
        yield x, {"mode": mode, "size": size, "stride": stride, "padding": padding}, made
    x = next(grids())
    padded = [(0, 0), *SIDES, (0, 0)]
    yield (
        x,
        {"mode": "max", "size": 3, "stride": 2, "padding": SIDES},
        back(x, lambda t: tf.nn.max_pool2d(t, 3, 2, padded)),
    )
    yield TIED, {"mode": "max", "size": 2, "stride": 2}, back(TIED, lambda t: tf.nn.max_pool2d(t, 2, 2, "VALID"))


def paddle() -> Iterator[Case]:
    """Yield what Paddle answers."""
    runtime = import_module("paddle")
    layers = runtime.nn.functional

    def back(x: Any, pool: Callable[[Any], Any]) -> Any:
        t = runtime.to_tensor(x[None, None], stop_gradient=False)
        pool(t).sum().backward()
        return t.grad.numpy()[0, 0]

    kinds: tuple[tuple[str, Any, dict[str, Any], dict[str, Any]], ...] = (
        ("max", layers.max_pool2d, {}, {}),
        ("avg", layers.avg_pool2d, {}, {}),
        ("avg", layers.avg_pool2d, {"exclusive": False}, {"count_include_pad": True}),
        ("avg", layers.avg_pool2d, {"divisor_override": 4}, {"divisor_override": 4}),
    )
    windows = itertools.product(kinds, (2, 3), (2, 1), (0, 1, "SAME", ((1, 0), (0, 1))), (False, True))
    for ((mode, layer, theirs, ours), size, stride, padding, ceil), x in zip(windows, grids(), strict=False):
        if ceil and (padding == "SAME" or stride == 1):
            continue
        sides = [side for pair in padding for side in pair] if isinstance(padding, tuple) else padding
        given = {"kernel_size": size, "stride": stride, "padding": sides, "ceil_mode": ceil, **theirs}
        made = back(x, partial(layer, **given))
        window = {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil}
        yield x, {"mode": mode, **window, **ours}, made
    x = next(grids())
    yield x, {"mode": "lp:3", "size": 2, "stride": 2}, back(x, lambda t: layers.lp_pool2d(t, 3, 2, 2))
    yield TIED, {"mode": "max", "size": 2, "stride": 2}, back(TIED, lambda t: layers.max_pool2d(t, 2, 2))


RUNTIMES: dict[str, Callable[[], Iterator[Case]]] = {"flax": flax, "tensorflow": tensorflow, "paddle": paddle}


def main() -> int:
    """Write the lines of one runtime anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=RUNTIMES)
    name = parser.parse_args().runtime
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    kept = [line for line in lines if json.loads(line)["call"]["compat"] != name]
    for x, call, made in RUNTIMES[name]():
        padding = call.get("padding", "valid")
        call |= {"padding": padding.lower() if isinstance(padding, str) else padding, "compat": name}
        answer = np.asarray(made, np.float64).round(6).tolist()
        kept.append(json.dumps({"call": call, "input": x.tolist(), "gradient": answer}))
    FILE.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

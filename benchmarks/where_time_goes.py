"""Draw where the time of a cold start, of a warm request and of a training step goes.

`python -m benchmarks.where_time_goes` writes `docs/images/where-time-goes.png`. The cold start is
the import of the handler by package (`-X importtime`, medians of processes), the loading of the
model and the first request. The others are processor time, with stages measured in turn. The
training step is one of a recipe, by default that of the included model.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import process_time

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from benchmarks.service import cold_start
from benchmarks.service.child import event, picture, run
from training.augmentation import augment
from training.batches import read_batch
from training.config import TrainingConfig
from training.data import LabelledPictures
from training.networks.build import build

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images" / "where-time-goes.png"
RECIPE = ROOT / "training" / "recipes" / "intel-scenes.json"
SHOWN = 10  # packages
_STAGES = """
import base64, json, sys, time
from lambda_api import handler, images
raw, rounds = json.loads({raw!r}), {rounds}
data, classifier = base64.b64decode(raw["body"]), handler.loaded_model.outcome
pixels = images.decode(data, classifier.network.size).pixels
work = {{
    "inference": lambda: classifier.network.logits(pixels),
    "classification": lambda: classifier.classify(data),
    "handler": lambda: handler.handler(raw, None),
}}
times = {{name: [] for name in work}}
for _ in range(rounds):
    for name, function in work.items():
        start = time.process_time()
        function()
        times[name].append((time.process_time() - start) * 1000)
print(json.dumps({{name: sorted(values)[rounds // 2] for name, values in times.items()}}))
"""


def cold_ms(starts: int) -> dict[str, float]:
    """Return the parts of a cold start in milliseconds, the largest first."""
    runs = [cold_start.imports(most=None) for _ in range(starts)]
    packages = {name: median(x.get(name, 0.0) for x in runs) for name in runs[0]}
    handler = cold_start.measure(starts)["handler"]
    # The handler loads the model when it is imported.
    packages["lambda_api"] = max(packages["lambda_api"] - handler["model_load_ms"], 0.0)
    by_time = sorted(packages, key=packages.__getitem__, reverse=True)
    parts = {
        **{name: packages[name] for name in by_time[:SHOWN]},
        "other imports": sum(packages[name] for name in by_time[SHOWN:]),
        "loading of the model": handler["model_load_ms"],
        "first request": handler["first_request_ms"],
    }
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def warm_ms(rounds: int) -> dict[str, float]:
    """Return the stages of a warm request in milliseconds of processor time."""
    raw = json.dumps(event(picture(), as_form=False))
    output = run(_STAGES.format(raw=raw, rounds=rounds)).stdout
    times = json.loads(output.splitlines()[-1])
    return {
        "inference": times["inference"],
        "decoding, detector, softmax": max(times["classification"] - times["inference"], 0.0),
        "Mangum, FastAPI, authentication, log, metrics": max(
            times["handler"] - times["classification"], 0.0
        ),
    }


def training_ms(steps: int, recipe: Path) -> dict[str, float]:
    """Return the stages of a training step of all layers in milliseconds of processor time."""
    config = TrainingConfig.model_validate_json(recipe.read_bytes())
    samples = tuple(sorted((ROOT / "frontend" / "samples").glob("*.jpg")))
    classes, count = ("a", "b", "c", "d", "e", "f"), config.batch_size
    pictures = LabelledPictures(ROOT, classes, samples, np.arange(len(samples)) % len(classes))
    indices = np.arange(count) % len(samples)
    targets = np.eye(len(classes), dtype=np.float32)[pictures.labels[indices]]
    pixels = read_batch(pictures, config.image_size, indices)
    model = build(config, len(classes))
    model.compile(keras.optimizers.AdamW(), "categorical_crossentropy")
    augmented = tf.function(
        lambda: augment(pixels, targets, (0, 0), config.augmentation, flip=config.flip)
    )
    forward = tf.function(lambda: model(pixels, training=True))
    work = {
        "decoding": lambda: read_batch(pictures, config.image_size, indices),
        "augmentation": augmented,
        "forward": forward,
        "step": lambda: model.train_on_batch(pixels, targets),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(steps + 1):  # the first one traces the functions
        for name, function in work.items():
            start = process_time()
            function()
            times[name].append((process_time() - start) * 1000)
    ms = {name: median(values[1:]) for name, values in times.items()}
    return {
        f"decoding of {count} pictures": ms["decoding"],
        "augmentation": ms["augmentation"],
        "forward pass": ms["forward"],
        "gradients and update": max(ms["step"] - ms["forward"], 0.0),
    }


def draw(parts: dict[str, dict[str, float]], path: Path) -> None:
    """Draw one bar chart per title and write the picture."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, len(parts), figsize=(15, 4.2), layout="constrained")
    for axis, (title, times) in zip(axes, parts.items(), strict=True):
        names = list(times)[::-1]
        bars = axis.barh(names, [times[name] for name in names], color="#31688e")
        axis.bar_label(bars, fmt="%.1f", padding=3)
        total = sum(times.values())
        axis.set_title(f"{title}: {total:.{0 if total >= 10 else 1}f} ms")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.where_time_goes")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    parser.add_argument("--starts", type=int, default=11, help="processes")
    parser.add_argument("--rounds", type=int, default=500, help="warm requests")
    parser.add_argument("--steps", type=int, default=20, help="training steps")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="default: %(default)s")
    parsed = parser.parse_args(arguments)
    parts = {
        "Cold start": cold_ms(parsed.starts),
        "Warm request": warm_ms(parsed.rounds),
        "Training step": training_ms(parsed.steps, parsed.recipe),
    }
    draw(parts, parsed.out)
    print(json.dumps(parts, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

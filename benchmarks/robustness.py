"""Robustness of bundles: accuracy, confidence and acceptance under what cameras do.

    python -m benchmarks.robustness models/one models/two --pictures DATA/test

Every picture is changed, encoded again, and classified with the serving code. The changes are those
of scikit-image and Pillow. Noise and JPEG quality follow the lower severities of ImageNet-C
(Hendrycks & Dietterich 2019, arXiv:1903.12261). Lengths are shares of the picture's side.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.progress import track
from skimage.exposure import adjust_gamma
from skimage.filters import gaussian
from skimage.transform import rotate
from skimage.util import img_as_ubyte, random_noise

from lambda_api.classifier import Classifier
from lambda_api.manifest import BundleError
from training.data import LabelledPictures, read_folder
from training.errors import DataError, RunError
from training.layout import composed
from training.run.folder import Run

Pixels = npt.NDArray[np.uint8]
Corruption = Callable[[Pixels, np.random.Generator], Pixels]

BLUR = 0.01  # standard deviation, share of the shorter side
NOISE = 0.08  # standard deviation, of 0..1; severity 1 of ImageNet-C
GAMMA, DARK_NOISE = 2.5, 0.04  # low light: darker, with the noise of a high sensitivity
TILT = 8  # degrees
CROP = 0.75  # share of each side that remains
BAR = 0.15  # height of each bar, share of the picture's height
QUALITY = 20  # of JPEG


def blur(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Out of focus: Gaussian blur."""
    sigma = BLUR * min(pixels.shape[:2])
    blurred: Pixels = img_as_ubyte(gaussian(pixels, sigma, channel_axis=-1))
    return blurred


def noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of a sensor."""
    return _noisy(pixels, NOISE, rng)


def low_light(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A dark picture with noise."""
    return _noisy(adjust_gamma(pixels, GAMMA), DARK_NOISE, rng)


def rotation(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A camera held at an angle, to the left or right. The empty corners are cut off."""
    turned = img_as_ubyte(rotate(pixels, TILT * rng.choice([-1, 1]), mode="edge", order=1))
    height, width = pixels.shape[:2]
    angle = math.radians(TILT)
    longest = max(height / width, width / height)
    kept = 1 / (math.cos(angle) + longest * math.sin(angle))
    top, left = (round(side * (1 - kept) / 2) for side in (height, width))
    return np.ascontiguousarray(turned[top : height - top, left : width - left])


def crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A random part of the picture."""
    height, width = (round(side * CROP) for side in pixels.shape[:2])
    top = rng.integers(pixels.shape[0] - height + 1)
    left = rng.integers(pixels.shape[1] - width + 1)
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def screenshot(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Black bars above and below, as in a screenshot."""
    bar = round(BAR * pixels.shape[0])
    return np.pad(pixels, ((bar, bar), (0, 0), (0, 0)))


def unchanged(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """The picture itself."""
    return pixels


CORRUPTIONS: dict[str, Corruption] = {
    "none": unchanged,
    "blur": blur,
    "noise": noise,
    "low light": low_light,
    f"rotation by {TILT}°": rotation,
    f"JPEG quality {QUALITY}": unchanged,
    f"crop to {CROP:.0%}": crop,
    "screenshot with bars": screenshot,
}
JPEG = f"JPEG quality {QUALITY}"


def _noisy(pixels: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    changed: Pixels = img_as_ubyte(random_noise(pixels, var=deviation**2, rng=rng))
    return changed


class Robustness(BaseModel):
    """A bundle on pictures with one corruption. Shares are 0..1.

    Attributes:
        accuracy: share of right predictions.
        coverage: share of confident predictions.
        confident_accuracy: share of right predictions among the confident ones; None if there are
            none.
        acceptance: share of pictures that are accepted as known; None if the bundle has no detector
            of unknown pictures.
    """

    model_config = ConfigDict(frozen=True)

    bundle: str
    corruption: str
    pictures: int
    accuracy: float
    coverage: float
    confident_accuracy: float | None
    acceptance: float | None


def corrupted(data: bytes, name: str, number: int) -> bytes:
    """Apply the corruption `name` to an encoded picture: JPEG or PNG.

    Args:
        data: a picture file.
        name: a key of `CORRUPTIONS`.
        number: of the picture; the same number draws the same random changes.
    """
    if name == "none":
        return data
    with Image.open(BytesIO(data)) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    changed = Image.fromarray(CORRUPTIONS[name](pixels, np.random.default_rng(number)))
    encoded = BytesIO()
    if name == JPEG:
        changed.save(encoded, "JPEG", quality=QUALITY)
    else:
        changed.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def measure(bundles: Sequence[Path], pictures: LabelledPictures) -> list[Robustness]:
    """Classify every picture with every corruption and bundle, with progress on stderr.

    Raises:
        BundleError: a bundle cannot be used.
        DataError: a bundle has other classes than the pictures.
    """
    classifiers = [Classifier(folder) for folder in bundles]
    for folder, classifier in zip(bundles, classifiers, strict=True):
        if composed(classifier.manifest.classes) != pictures.classes:
            raise DataError(
                f"{folder} has the classes {', '.join(classifier.manifest.classes)}, but the "
                f"pictures have {', '.join(pictures.classes)}."
            )
    results = []
    for name in CORRUPTIONS:
        answers: list[list[tuple[bool, bool, bool | None]]] = [[] for _ in classifiers]
        numbers = range(len(pictures))
        for i in track(numbers, name, console=Console(stderr=True, force_jupyter=False)):
            data = corrupted((pictures.root / pictures.paths[i]).read_bytes(), name, i)
            true = pictures.classes[pictures.labels[i]]
            for own, classifier in zip(answers, classifiers, strict=True):
                found = classifier.classify(data)
                right = composed([found.label])[0] == true
                own.append((right, found.confident, found.known))
        results += [
            _summary(folder.name, name, own) for folder, own in zip(bundles, answers, strict=True)
        ]
    return results


def _summary(
    bundle: str, corruption: str, answers: list[tuple[bool, bool, bool | None]]
) -> Robustness:
    right, confident = (np.array([answer[i] for answer in answers]) for i in (0, 1))
    known = [answer[2] for answer in answers if answer[2] is not None]
    return Robustness(
        bundle=bundle,
        corruption=corruption,
        pictures=len(answers),
        accuracy=float(right.mean()),
        coverage=float(confident.mean()),
        confident_accuracy=float(right[confident].mean()) if confident.any() else None,
        acceptance=float(np.mean(known)) if known else None,
    )


def table(results: Sequence[Robustness]) -> str:
    """Markdown table: a row for each corruption, and columns for each bundle."""
    bundles = list(dict.fromkeys(each.bundle for each in results))
    columns = [
        f"{bundle}: {figure}"
        for bundle in bundles
        for figure in ("accuracy", "confident", "right of these", "accepted")
    ]
    lines = [f"| change | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    by_place = {(each.corruption, each.bundle): each for each in results}
    for corruption in dict.fromkeys(each.corruption for each in results):
        cells = []
        for bundle in bundles:
            one = by_place[corruption, bundle]
            cells += [f"{one.accuracy:.3f}", f"{one.coverage:.3f}"]
            for share in (one.confident_accuracy, one.acceptance):
                cells.append("" if share is None else f"{share:.3f}")
        lines.append(f"| {corruption} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a Markdown table, or JSON; 2 if the input is unusable."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="bundle folder")
    parser.add_argument(
        "--pictures", type=Path, required=True, help="folder with one folder for each class"
    )
    parser.add_argument(
        "--validation-of",
        type=Path,
        metavar="RUN",
        help="only the validation pictures of this run, to compare candidates",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parsed = parser.parse_args(arguments)
    try:
        pictures = read_folder(parsed.pictures)
        if parsed.validation_of:
            pictures = pictures.only(Run(parsed.validation_of).split().validation)
            if not len(pictures):
                raise DataError(
                    f"{parsed.pictures} contains no validation pictures of {parsed.validation_of}. "
                    "Pass the folder that contains the class folders of its data."
                )
        results = measure(parsed.bundles, pictures)
    except (BundleError, DataError, RunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if parsed.json:
        print(json.dumps([each.model_dump() for each in results], indent=1))
    else:
        print(f"{len(pictures):,} pictures of {parsed.pictures.name}\n\n{table(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

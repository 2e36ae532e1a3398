"""Inference with a bundle: pictures in, calibrated predictions out."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from lambda_api import images
from lambda_api.known import Features, KnownDetector, read_residual
from lambda_api.manifest import BundleError, read_bundle

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The classification of one picture.

    Attributes:
        scores: (label, calibrated probability 0..1) of every class, the most probable first.
        confident: True if the first probability reaches the bundle's confidence threshold, and the
            picture is not unknown.
        picture: the decoded picture.
        decode_ms: time from bytes to pixels, in milliseconds.
        inference_ms: time from pixels to scores, in milliseconds.
        known: False if the picture is unlike the training pictures; None if the bundle has no
            detector.
        familiarity: share of the validation pictures that are less familiar, 0..1; None if the
            bundle has no detector.
    """

    scores: tuple[tuple[str, float], ...]
    confident: bool
    picture: images.Picture
    decode_ms: float
    inference_ms: float
    known: bool | None = None
    familiarity: float | None = None

    @property
    def label(self) -> str:
        return self.scores[0][0]

    @property
    def confidence(self) -> float:
        return self.scores[0][1]

    def timings_ms(self) -> dict[str, float]:
        """Decoding and inference time in milliseconds, rounded to 3 decimals."""
        return {"decode": round(self.decode_ms, 3), "inference": round(self.inference_ms, 3)}


def softmax(logits: npt.ArrayLike, temperature: float) -> Probabilities:
    """Softmax over the last axis of `logits` divided by `temperature`; same shape, float64."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


class Network:
    """A TensorFlow Lite model. Safe to share between threads.

    Threads compute at the same time, each with an interpreter of its own. A further interpreter
    takes about 8 MB and 10 ms. It is created when all others are in use, and kept.

    Attributes:
        size: (height, width) of the input in pixels.
        dtype: dtype of the input, "uint8" or "float32". Values are 0..255 for both.
        classes: number of logits.
        features: number of pooled features; 0 if they are not an output.

    Raises:
        BundleError: the file cannot be loaded, or its tensors are not pixels, float32 logits and
            optionally float32 features.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            interpreter = self._new_interpreter()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"Cannot load the model file ({error}).") from error
        self._idle = [interpreter]  # the last one used is the next, because its memory is cached
        sources = interpreter.get_input_details()
        targets = interpreter.get_output_details()
        match [(*x["shape"].tolist(), np.dtype(x["dtype"]).name) for x in sources + targets]:
            case [
                (1, height, width, 3, "uint8" | "float32" as dtype),
                (1, classes, "float32"),
                *more,
            ] if not more or [(1, more[0][1], "float32")] == more:
                self.size, self.dtype, self.classes = (height, width), dtype, classes
                self.features = more[0][1] if more else 0
            case tensors:
                raise BundleError(
                    f"Unsupported model tensors: {tensors}. Expected uint8 or float32 "
                    "pixels (1, height, width, 3), float32 logits (1, classes) and optionally "
                    "float32 features (1, features)."
                )
        self._input = sources[0]["index"]
        self._outputs = [target["index"] for target in targets]

    def logits(self, pixels: npt.NDArray[np.uint8]) -> Logits:
        """Return float32 logits (classes,) for uint8 RGB pixels (height, width, 3)."""
        return self.run(pixels)[0]

    def run(self, pixels: npt.NDArray[np.uint8]) -> tuple[Logits, Features | None]:
        """Return logits and pooled features of a picture, in one inference.

        Args:
            pixels: uint8 RGB (height, width, 3).

        Returns:
            float32 logits (classes,), and float32 features (features,); None if the features are
            not an output.
        """
        batch = pixels[np.newaxis].astype(self.dtype, copy=False)
        try:
            interpreter = self._idle.pop()
        except IndexError:  # not `if`: another thread may take the last one in between
            interpreter = self._new_interpreter()
        try:
            interpreter.set_tensor(self._input, batch)
            interpreter.invoke()
            logits, *features = (interpreter.get_tensor(i)[0] for i in self._outputs)
        finally:
            self._idle.append(interpreter)
        return logits, features[0] if features else None

    def _new_interpreter(self) -> Interpreter:
        interpreter = Interpreter(model_content=self._model, num_threads=1)
        interpreter.allocate_tensors()
        return interpreter


class Classifier:
    """A loaded bundle. Safe to share between threads.

    Args:
        bundle: folder of the bundle.
        max_decoded_bytes: limit of the memory for decoding a picture, in bytes.

    Attributes:
        manifest: the bundle's manifest.
        network: the bundle's model.
        detector: the detector of unknown pictures; None if the bundle has none.

    Raises:
        BundleError: the folder has no bundle, or one that this service cannot run.
    """

    def __init__(self, bundle: Path, max_decoded_bytes: int = images.MAX_DECODED_BYTES) -> None:
        self._max_decoded_bytes = max_decoded_bytes
        self.manifest, model = read_bundle(bundle)
        self.network = Network(model)
        network, spec = self.network, self.manifest.input
        size, classes = (spec.height, spec.width), len(self.manifest.classes)
        if (network.size, network.classes) != (size, classes):
            raise BundleError(
                f"The model has input size {network.size} and {network.classes} classes, but the "
                f"manifest declares {size} and {classes}."
            )
        if network.dtype != spec.dtype:
            raise BundleError(
                f"Model input dtype is {network.dtype}, but the manifest declares {spec.dtype}."
            )
        known = self.manifest.known
        if known and network.features != known.features:
            raise BundleError(
                f"The model has {network.features} features, but the manifest declares "
                f"{known.features}."
            )
        self.detector = KnownDetector(known, read_residual(bundle, known)) if known else None
        # Also a warm-up: the first inference is slow.
        if not np.isfinite(self.probabilities(np.zeros((1, *size, 3), np.uint8))).all():
            raise BundleError("The model returned NaN or infinity for a blank image.")

    def probabilities(self, pixels: Iterable[npt.NDArray[np.uint8]]) -> Probabilities:
        """Return float64 probabilities (n, classes) for n pictures, uint8 RGB (height, width, 3).

        The probabilities are calibrated.
        """
        logits = np.stack([self.network.logits(picture) for picture in pixels])
        return softmax(logits, self.manifest.temperature)

    def classify(self, data: bytes) -> Prediction:
        """Decode and classify a picture.

        Raises:
            PictureError: as `images.decode`.
        """
        start = perf_counter()
        picture = images.decode(data, self.network.size, self._max_decoded_bytes)
        decoded = perf_counter()
        logits, features = self.network.run(picture.pixels)
        probabilities = softmax(logits, self.manifest.temperature)
        known = familiarity = None
        if self.detector is not None and features is not None:
            known, familiarity = self.detector.judge(features)
        order = np.argsort(-probabilities, kind="stable")
        scores = tuple((self.manifest.classes[i], float(probabilities[i])) for i in order)
        return Prediction(
            scores=scores,
            confident=scores[0][1] >= self.manifest.confidence_threshold and known is not False,
            picture=picture,
            decode_ms=(decoded - start) * 1000,
            inference_ms=(perf_counter() - decoded) * 1000,
            known=known,
            familiarity=familiarity,
        )

"""A bundle, loaded: pictures in, calibrated answers out. Nothing of the web is in here."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from lambda_api import images
from lambda_api.manifest import BundleError, read_bundle

Logits = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a picture shows.

    Attributes:
        scores: every class with its calibrated probability (0..1), the most probable first.
        confident: whether the first reaches the bundle's confidence threshold.
        picture: the decoded picture.
        decode_ms: milliseconds from bytes to pixels.
        inference_ms: milliseconds from pixels to scores.
    """

    scores: tuple[tuple[str, float], ...]
    confident: bool
    picture: images.Picture
    decode_ms: float
    inference_ms: float

    @property
    def label(self) -> str:
        return self.scores[0][0]

    @property
    def confidence(self) -> float:
        return self.scores[0][1]

    def timings_ms(self) -> dict[str, float]:
        """Milliseconds by what took them, rounded for people."""
        return {"decode": round(self.decode_ms, 3), "inference": round(self.inference_ms, 3)}


def softmax(logits: npt.ArrayLike, temperature: float) -> Probabilities:
    """Softmax over the last axis of `logits` divided by `temperature`; same shape, float64."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


class Network:
    """A model file in an interpreter; safe to share between threads.

    Attributes:
        size: height and width in pixels of the input.
        dtype: of the input, "uint8" or "float32"; its values are 0..255 in both.
        classes: how many logits it gives.

    Raises:
        BundleError: the file does not load, or is not from pixels to float32 logits.
    """

    def __init__(self, model: bytes) -> None:
        self._lock = Lock()
        try:
            self._interpreter = Interpreter(model_content=model, num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"The model file does not load ({error}).") from error
        sources = self._interpreter.get_input_details()
        targets = self._interpreter.get_output_details()
        match [(*x["shape"].tolist(), np.dtype(x["dtype"]).name) for x in sources + targets]:
            case [(1, height, width, 3, "uint8" | "float32" as dtype), (1, classes, "float32")]:
                self.size, self.dtype, self.classes = (height, width), dtype, classes
            case found:
                raise BundleError(f"The model's tensors are not pixels and logits: {found}.")
        self._input, self._output = sources[0]["index"], targets[0]["index"]

    def logits(self, pixels: npt.NDArray[np.uint8]) -> Logits:
        """The output, float32 (classes,), for uint8 RGB pixels (height, width, 3)."""
        given = pixels[np.newaxis].astype(self.dtype, copy=False)
        with self._lock:
            self._interpreter.set_tensor(self._input, given)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output)[0])


class Classifier:
    """A bundle's network with what its manifest says of it; safe to share between threads.

    Raises:
        BundleError: the folder holds no bundle that this service can run.
    """

    def __init__(self, bundle: Path) -> None:
        self.manifest, model = read_bundle(bundle)
        self._network = Network(model)
        network, spec = self._network, self.manifest.input
        size = (spec.height, spec.width)
        if (network.size, network.classes) != (size, len(self.manifest.classes)):
            raise BundleError("The model has another input size or number of classes than it says.")
        if network.dtype != spec.dtype:
            raise BundleError("The model takes another type of numbers than its manifest says.")
        # The first call is the slow one.
        if not np.isfinite(self.probabilities(np.zeros((1, *size, 3), np.uint8))).all():
            raise BundleError("The model answers with what are no numbers.")

    def probabilities(self, pixels: Iterable[npt.NDArray[np.uint8]]) -> Probabilities:
        """Calibrated probabilities (n, classes) for n pictures, uint8 RGB (height, width, 3)."""
        logits = np.stack([self._network.logits(one) for one in pixels])
        return softmax(logits, self.manifest.temperature)

    def classify(self, data: bytes) -> Answer:
        """Decode a picture and say what it shows.

        Raises:
            PictureError: as `images.decode`.
        """
        start = perf_counter()
        picture = images.decode(data, self._network.size)
        decoded = perf_counter()
        logits = self._network.logits(picture.pixels)
        probabilities = softmax(logits, self.manifest.temperature)
        order = np.argsort(-probabilities, kind="stable")
        scores = tuple((self.manifest.classes[i], float(probabilities[i])) for i in order)
        return Answer(
            scores=scores,
            confident=scores[0][1] >= self.manifest.confidence_threshold,
            picture=picture,
            decode_ms=(decoded - start) * 1000,
            inference_ms=(perf_counter() - decoded) * 1000,
        )

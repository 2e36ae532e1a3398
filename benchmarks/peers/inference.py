"""Latency, load, memory, size and accuracy of runtimes with the same network, on one thread."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import environments
from benchmarks.peers.cold_start import BUNDLE
from benchmarks.service.child import percentile

# Environment and runtime, as in programs/inference.py, and file of the network.
RUNTIMES = {
    "LiteRT, int8": ("lambda-bare", "litert", "model.tflite"),
    "OpenVINO, int8": ("openvino", "openvino", "model.tflite"),
    "ONNX Runtime, int8 (QDQ)": ("onnxruntime", "onnxruntime", "qdq.onnx"),
    "ONNX Runtime, float32": ("onnxruntime", "onnxruntime", "float.onnx"),
    "tflite-runtime 2.14, int8": ("tflite-runtime", "tflite-runtime", "model.tflite"),
    "TensorFlow Lite in TensorFlow, int8": ("lambda-tensorflow", "tensorflow", "model.tflite"),
    "Keras predict, float32": ("lambda-tensorflow", "keras", "model.keras"),
}
MEDIANS = ("import_ms", "load_ms", "inference_ms", "rss_mb")
FIGURES = (*MEDIANS, "installed_mb", "accuracy", "agreement")
VARIABLES = {
    "BUNDLE": str(BUNDLE),
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def measure(rounds: int, inferences: int, run: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """Start a process for each runtime in turn, `rounds` times.

    The ONNX networks are converted from the bundle's, the float32 one without its quantization.

    Args:
        rounds: processes of each runtime.
        inferences: timed inferences of each process.
        run: the run that the bundle was made of. Keras is left out without its `model.keras`.
        pictures: labeled pictures, each in the folder of its class. May be empty.

    Returns:
        By runtime, medians of processor time in milliseconds: `import_ms`, `load_ms` until the
        first inference is done, and `inference_ms`; resident memory and installed size without
        byte code in MB; with pictures, the `accuracy`, and the `agreement` with the first runtime,
        both from 0 to 1. A figure that was not measured is None.
    """
    runtimes = {
        name: runtime
        for name, runtime in RUNTIMES.items()
        if runtime[2] != "model.keras" or (run / "model.keras").exists()
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in runtimes}
    with TemporaryDirectory() as folder:
        networks = {file: network(file, run, Path(folder)) for *_, file in runtimes.values()}
        for turn in range(rounds):
            for name, (environment, runtime, file) in runtimes.items():
                labeled = [] if turn else pictures  # the labels are the same in each turn
                found[name].append(
                    environments.run(
                        environment,
                        "inference.py",
                        runtime,
                        networks[file],
                        str(inferences),
                        *labeled,
                        variables=VARIABLES,
                    )
                )
    right = [path.parent.name for path in pictures]
    first = next(iter(found.values()))[0]["labels"]
    return {
        name: {
            **{
                figure: round(percentile([result[figure] for result in results], 0.5), 2)
                for figure in MEDIANS
            },
            "installed_mb": round(environments.size(RUNTIMES[name][0]) / 1e6),
            "accuracy": _share(results[0]["labels"], right),
            "agreement": _share(results[0]["labels"], first),
        }
        for name, results in found.items()
    }


def floor(inferences: int) -> dict[str, Any]:
    """Measure how fast the network could be if all its layers were like the fastest one.

    Returns:
        A row for the table of `measure`, with `inference_ms` only.
    """
    found: dict[str, float] = environments.run(
        "lambda-tensorflow", "floor.py", BUNDLE / "model.tflite", str(inferences),
        variables=VARIABLES,
    )  # fmt: skip
    name = (
        f"floor: {found['mac'] / 1e6:.0f} million multiply-accumulates at "
        f"{found['mac_per_s'] / 1e9:.0f} billion a second"
    )
    return {
        name: dict.fromkeys(FIGURES) | {"inference_ms": found["mac"] / found["mac_per_s"] * 1e3}
    }


def _share(labels: Sequence[str], others: Sequence[str]) -> float | None:
    pairs = list(zip(labels, others, strict=True))
    return round(sum(a == b for a, b in pairs) / len(pairs), 4) if pairs else None


def network(file: str, run: Path, folder: Path) -> Path:
    """Return the path of a network. Those of ONNX are converted into `folder`."""
    model = BUNDLE / "model.tflite"
    if not file.endswith(".onnx"):
        return model if file == model.name else run / file
    options = ["--dequantize"] if file == "float.onnx" else []
    command = ["-m", "tf2onnx.convert", "--tflite", model, "--output", folder / file]
    subprocess.run(  # noqa: S603 - our own command
        [str(part) for part in (environments.python("tf2onnx"), *command, "--opset=17", *options)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return folder / file

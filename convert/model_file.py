"""Checks of a model file before it is used: its operators, and whether it runs at all.

`python -m convert.model_file` runs the model file on its standard input once.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lambda_api.classifier import Network
from lambda_api.manifest import BundleError

TIME_LIMIT_S = 120
CUSTOM = "custom"  # prefix of the names of operators that are not built into the runtime
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


def operators(model: bytes) -> tuple[str, ...]:
    """Sorted names of a model file's operators; custom operators begin with `CUSTOM`."""
    graph = schema.Model.GetRootAs(model, 0)
    codes = [graph.OperatorCodes(i) for i in range(graph.OperatorCodesLength())]
    return tuple(
        sorted(
            f"{CUSTOM} {(code.CustomCode() or b'').decode()}"
            if code.BuiltinCode() == schema.BuiltinOperator.CUSTOM
            else _NAMES[code.BuiltinCode()]
            for code in codes
        )
    )


def logits_first(model: bytes, logits: str) -> bytes:
    """Return a model file whose first output is the one that its signature names `logits`.

    The converter does not promise an order, and the service uses the order.
    """
    content = bytearray(model)
    graph = schema.Model.GetRootAs(content, 0)
    signature = graph.SignatureDefs(0)
    named = [signature.Outputs(i) for i in range(signature.OutputsLength())]
    (first,) = [output.TensorIndex() for output in named if output.Name() == logits.encode()]
    outputs = graph.Subgraphs(0).OutputsAsNumpy()  # a view of `content`
    outputs[:] = sorted(outputs.tolist(), key=lambda tensor: tensor != first)
    return bytes(content)


def min_runtime(model: bytes) -> tuple[int, int]:
    """Oldest TensorFlow Lite version, (major, minor), that can run the file, by its metadata."""
    graph = schema.Model.GetRootAs(model, 0)
    metadata = [graph.Metadata(i) for i in range(graph.MetadataLength())]
    (index,) = [entry.Buffer() for entry in metadata if entry.Name() == b"min_runtime_version"]
    version = graph.Buffers(index).DataAsNumpy().tobytes().rstrip(b"\0").decode()
    major, minor, *_ = map(int, version.split("."))
    return major, minor


def smoke_test(model: bytes) -> str | None:
    """Load a model file and classify one picture, in a separate process.

    LiteRT aborts the process on some damaged files instead of raising an exception.

    Returns:
        What went wrong; None if the file runs.
    """
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours
            command,
            input=model,
            capture_output=True,
            check=False,
            cwd=Path(__file__).parents[1],
            timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"LiteRT takes more than {TIME_LIMIT_S} s for one picture"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else ""
    if done.returncode < 0:
        return f"LiteRT crashes with signal {-done.returncode} ({last})"
    return last or f"exit code {done.returncode}" if done.returncode else None


def _main() -> int:
    try:
        network = Network(sys.stdin.buffer.read())
        logits = network.logits(np.full((*network.size, 3), 127, np.uint8))
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    if not np.isfinite(logits).all():
        print("The model returns NaN or infinity for a gray picture.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())

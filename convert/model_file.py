"""A model file looked at before it is trusted: its operators, and whether it runs at all.

Run as `python -m convert.model_file`, it runs the file on its standard input once.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lambda_api.classifier import Network
from lambda_api.manifest import BundleError

TIME_LIMIT_S = 120
CUSTOM = "custom"  # what the name of an operator begins with that is not built in
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}


def operators(model: bytes) -> tuple[str, ...]:
    """Names, sorted; those that are not built into the runtime begin with `CUSTOM`."""
    codes = schema.Model.GetRootAs(model, 0)
    found = [codes.OperatorCodes(i) for i in range(codes.OperatorCodesLength())]
    return tuple(
        sorted(
            f"{CUSTOM} {(code.CustomCode() or b'').decode()}"
            if code.BuiltinCode() == schema.BuiltinOperator.CUSTOM
            else _NAMES[code.BuiltinCode()]
            for code in found
        )
    )


def min_runtime(model: bytes) -> tuple[int, int]:
    """The oldest TensorFlow Lite that has these operators in these versions, as the file says."""
    graph = schema.Model.GetRootAs(model, 0)
    found = [graph.Metadata(i) for i in range(graph.MetadataLength())]
    (index,) = [m.Buffer() for m in found if m.Name() == b"min_runtime_version"]
    version = graph.Buffers(index).DataAsNumpy().tobytes().rstrip(b"\0").decode()
    major, minor, *_ = map(int, version.split("."))
    return major, minor


def fault(model: bytes) -> str | None:
    """What happens to a process that loads the file and classifies a picture; None if nothing.

    In a process of its own: of some files LiteRT ends the process instead of raising.
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
        return f"LiteRT takes longer than {TIME_LIMIT_S} s for a picture"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode < 0:
        return f"LiteRT ends its process by signal {-done.returncode} ({said[-1] if said else ''})"
    return said[-1] if done.returncode else None


def _main() -> int:
    try:
        network = Network(sys.stdin.buffer.read())
        logits = network.logits(np.full((*network.size, 3), 127, np.uint8))
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    if not np.isfinite(logits).all():
        print("It answers a grey picture with NaN or infinity.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())

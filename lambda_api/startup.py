"""Cheaper imports. Import this module before the libraries that it sets up.

`docs/architecture.md` has what each measure saves.
"""

import gc
import os

# The service computes nothing with BLAS, but importing NumPy starts a thread per processor for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Pydantic would search all installed packages for plugins.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Most objects that an import creates live as long as the process.
gc.disable()

from pydantic import BaseModel  # noqa: E402 - reads the environment

# Validators are built on first use. FastAPI has many models for its OpenAPI document only.
BaseModel.model_config["defer_build"] = True


def complete() -> None:
    """Enable garbage collection again. It skips all objects that exist now."""
    gc.freeze()
    gc.enable()

"""Answer one event: `first_prediction.py MODULE EVENT`. VARIANT undoes measures of the service."""

import gc
import importlib
import json
import os
import sys
from pathlib import Path

match os.environ.get("VARIANT"):
    case "collection":
        gc.disable = lambda: None
    case "plugins of Pillow":
        import PIL.Image

        PIL.Image.preinit()
    case "pydantic-settings":
        import pydantic_settings  # noqa: F401

        from lambda_api import startup
    case "validators":
        import pydantic

        from lambda_api import startup  # noqa: F401

        pydantic.BaseModel.model_config.pop("defer_build")
handler = importlib.import_module(sys.argv[1]).handler
event = json.loads(Path(sys.argv[2]).read_bytes())
assert handler(event, None)["statusCode"] == 200
status = Path("/proc/self/status").read_text().splitlines()
(peak_kib,) = [line.split()[1] for line in status if line.startswith("VmHWM:")]
print(f"\n{peak_kib}", flush=True)
os._exit(0)  # Lambda does not wait for the end of the interpreter

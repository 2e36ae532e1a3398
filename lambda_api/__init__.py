"""The service: a picture in, a calibrated answer out, under AWS Lambda, uvicorn or `sam local`."""

__version__ = "0.1.0"

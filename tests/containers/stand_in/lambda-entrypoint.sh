#!/bin/sh
exec aws-lambda-rie python -m awslambdaric "$1"

#!/bin/sh
# As in the AWS base image: Lambda and `sam local` bring a runtime API, elsewhere the emulator does.
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
    exec aws-lambda-rie python -m awslambdaric "$1"
fi
exec python -m awslambdaric "$1"

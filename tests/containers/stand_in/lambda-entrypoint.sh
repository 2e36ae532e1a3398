#!/bin/sh
# Same as in the AWS base image. Lambda and `sam local` provide a runtime API; otherwise start the
# emulator, which provides one.
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
    exec aws-lambda-rie python -m awslambdaric "$1"
fi
exec python -m awslambdaric "$1"

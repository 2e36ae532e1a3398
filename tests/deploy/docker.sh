#!/bin/sh
# What the CDK calls as CDK_DOCKER: docker or podman, but for the registry, which the emulator lacks.
# Paths with spaces would be split.
# shellcheck disable=SC2086
command=$1
shift
case $command in
login | push) ;;
build) exec $ENGINE build $ENGINE_BUILD_OPTIONS "$@" ;;
tag)
    printf '%s\n' "$@" >>"$ENGINE_NAMED"
    exec $ENGINE tag "$@"
    ;;
*) exec $ENGINE "$command" "$@" ;;
esac

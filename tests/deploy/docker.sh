#!/bin/sh
# The program in CDK_DOCKER: docker or podman, but `login` and `push` do nothing, because the emulator
# has no container registry. The variables are split into words, so paths must not contain spaces.
# shellcheck disable=SC2086
command=$1
shift
case $command in
login | push) ;;
build) exec $ENGINE build $ENGINE_BUILD_OPTIONS "$@" ;;
tag)
    printf '%s\n' "$@" >>"$ENGINE_IMAGE_NAMES"
    exec $ENGINE tag "$@"
    ;;
*) exec $ENGINE "$command" "$@" ;;
esac

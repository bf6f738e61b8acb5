#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo gcc libc6-dev ;;
workloads) echo hello pipelined idle ;;
build) cc -O2 -D_GNU_SOURCE -o "$2/server" "$here/server.c" ;;
version) cc --version | head -n 1 ;;
serve) exec "$2/server" "$3" ;;
esac

#!/bin/sh
# run.sh build OUT | run.sh version | run.sh run OUT WORKLOAD N WORKERS
# The program of asyncio on another event loop. PYTHON names the interpreter; the default is that of
# the system, which has the packaged uvloop.
set -e
here=$(cd "$(dirname "$0")" && pwd)
py=${PYTHON:-/usr/bin/python3}
case $1 in
build) ;;
version) "$py" -c 'from importlib.metadata import version; print("uvloop", version("uvloop"))' ;;
run) shift; shift; exec "$py" "$here/../asyncio/bench.py" --uvloop "$@" ;;
esac

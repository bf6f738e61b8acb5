#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
# PYTHON names the interpreter; the default is that of the system, for which the packages are.
set -e
here=$(cd "$(dirname "$0")" && pwd)
py=${PYTHON:-/usr/bin/python3}
case $1 in
packages) echo python3-aiohttp python3-uvloop ;;
workloads) echo hello pipelined orders room idle ;;
build) ;;
version)
	"$py" --version
	dpkg-query -W -f '${Package} ${Version}\n' python3-aiohttp python3-uvloop ;;
serve) exec "$py" "$here/server.py" "$3" ;;
esac

#!/bin/sh
# run.sh packages | build OUT | version | fetch OUT URL REQUESTS IN_FLIGHT
# PYTHON names the interpreter; the default is that of the system, for which the packages are.
set -e
here=$(cd "$(dirname "$0")" && pwd)
py=${PYTHON:-/usr/bin/python3}
case $1 in
packages) echo python3-aiohttp python3-uvloop ;;
build) ;;
version)
	"$py" --version
	dpkg-query -W -f '${Package} ${Version}\n' python3-aiohttp python3-uvloop ;;
fetch) exec "$py" "$here/client.py" "$3" "$4" "$5" ;;
esac

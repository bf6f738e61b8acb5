#!/bin/sh
# run.sh packages | variants | build OUT | version | serve OUT VARIANT PORT DATABASE
# PYTHON names the interpreter; the default is that of the system, for which the packages are.
set -e
here=$(cd "$(dirname "$0")" && pwd)
py=${PYTHON:-/usr/bin/python3}
case $1 in
packages) echo python3-fastapi python3-uvicorn python3-uvloop python3-httptools ;;
variants) echo fastapi fastapi-grouped ;;
build) ;;
version)
	"$py" --version
	dpkg-query -W -f '${Package} ${Version}\n' python3-fastapi python3-uvicorn python3-pydantic \
		python3-uvloop python3-httptools libsqlite3-0 ;;
serve)
	group=0
	[ "$3" = fastapi ] || group=1
	export LEDGER_GROUP=$group LEDGER_DATABASE="$5" PYTHONDONTWRITEBYTECODE=1
	exec "$py" -m uvicorn --app-dir "$here" --host 127.0.0.1 --port "$4" --workers 1 --loop uvloop \
		--http httptools --ws none --no-access-log --log-level warning --timeout-keep-alive 3600 \
		server:app ;;
esac

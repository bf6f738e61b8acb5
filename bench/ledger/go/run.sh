#!/bin/sh
# run.sh packages | variants | build OUT | version | serve OUT VARIANT PORT DATABASE
# The packages that it imports come from Debian, which installs them into this GOPATH.
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo golang-go golang-github-mattn-go-sqlite3-dev golang-golang-x-crypto-dev gcc libsqlite3-dev ;;
variants) echo go go-grouped ;;
build)
	mkdir -p "$2/source"
	cp "$here"/*.go "$here/../schema.sql" "$2/source/"
	cd "$2/source"
	GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' go build -tags libsqlite3 -o "$2/server" . ;;
version)
	go version
	dpkg-query -W -f '${Package} ${Version}\n' golang-github-mattn-go-sqlite3-dev libsqlite3-0 ;;
serve)
	# As without the binding to a core: with GOMAXPROCS 1 a goroutine that comes back from SQLite waits
	# behind all others, and requests take seconds.
	GOMAXPROCS=$(nproc --all)
	export GOMAXPROCS
	group=
	[ "$3" = go ] || group=--group
	exec "$2/server" $group "$4" "$5" ;;
esac

#!/bin/sh
# run.sh packages | variants | build OUT | version | serve OUT VARIANT PORT DATABASE
set -e
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
case $1 in
packages)
	echo gcc libc6-dev cmake ninja-build pkgconf libck-dev libev-dev check libssl-dev libc-ares-dev \
		node-llhttp libwslay-dev zlib1g-dev libjansson-dev libpcre2-dev libsqlite3-dev ;;
variants) echo troupe troupe-alone ;;
build)
	cd "$top"
	cmake --preset release
	cmake --build --preset release --target sample-ledger ;;
version) git -C "$top" describe --always --dirty 2>/dev/null || echo unknown ;;
serve)
	group=
	[ "$3" = troupe ] || group='--group-most 1'
	export LEDGER_PASSWORD=demo-demo
	# shellcheck disable=SC2086 # words are wanted
	exec "$top/build/release/samples/ledger" --listen "127.0.0.1:$4" --db "$5" --user demo $group ;;
esac

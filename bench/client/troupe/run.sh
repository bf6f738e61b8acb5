#!/bin/sh
# run.sh packages | build OUT | version | fetch OUT URL REQUESTS IN_FLIGHT
set -e
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
case $1 in
packages)
	echo gcc libc6-dev cmake ninja-build pkgconf libck-dev libev-dev check libssl-dev libc-ares-dev \
		node-llhttp libwslay-dev zlib1g-dev libjansson-dev libpcre2-dev libsqlite3-dev libpsl-dev ;;
build)
	cd "$top"
	cmake --preset release
	cmake --build --preset release --target client-troupe ;;
version) git -C "$top" describe --always --dirty 2>/dev/null || echo unknown ;;
fetch) exec "$top/build/release/bench/client-troupe" "$3" "$4" "$5" ;;
esac

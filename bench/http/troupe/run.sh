#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
set -e
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
case $1 in
packages)
	echo gcc libc6-dev cmake ninja-build pkgconf libck-dev libev-dev check libssl-dev libc-ares-dev \
		node-llhttp libwslay-dev zlib1g-dev libjansson-dev libpcre2-dev libpsl-dev ;;
workloads) echo hello pipelined orders room idle held ;;
build)
	cd "$top"
	cmake --preset release
	cmake --build --preset release --target http-load http-troupe ;;
version) git -C "$top" describe --always --dirty 2>/dev/null || echo unknown ;;
serve) exec "$top/build/release/bench/http-troupe" "127.0.0.1:$3" ;;
esac

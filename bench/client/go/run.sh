#!/bin/sh
# run.sh packages | build OUT | version | fetch OUT URL REQUESTS IN_FLIGHT
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo golang-go ;;
build) GO111MODULE=off go build -o "$2/client" "$here/client.go" ;;
version) go version ;;
fetch) exec "$2/client" "$3" "$4" "$5" ;;
esac

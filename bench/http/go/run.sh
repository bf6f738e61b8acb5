#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
# gorilla/websocket comes from Debian, which installs it into this GOPATH.
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo golang-go golang-github-gorilla-websocket-dev ;;
workloads) echo hello pipelined orders room idle ;;
build) GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$2/server" "$here"/*.go ;;
version)
	go version
	dpkg-query -W -f '${Package} ${Version}\n' golang-github-gorilla-websocket-dev ;;
serve) exec "$2/server" "$3" ;;
esac

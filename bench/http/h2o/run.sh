#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo gcc libc6-dev libh2o-evloop-dev libssl-dev ;;
workloads) echo hello pipelined idle ;;
build) cc -O2 -DH2O_USE_LIBUV=0 -o "$2/server" "$here/server.c" -lh2o-evloop ;;
version) dpkg-query -W -f '${Package} ${Version}\n' libh2o-evloop-dev ;;
serve) exec "$2/server" "$3" ;;
esac

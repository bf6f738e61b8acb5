#!/bin/sh
# run.sh packages | build OUT | version | fetch OUT URL REQUESTS IN_FLIGHT
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo gcc libc6-dev libcurl4-openssl-dev ;;
build)
	gcc -O2 -Wall -Wextra -o "$2/client" "$here/client.c" -lcurl ;;
version) dpkg-query -W -f '${Package} ${Version}\n' libcurl4 ;;
fetch) exec "$2/client" "$3" "$4" "$5" ;;
esac

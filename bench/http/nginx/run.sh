#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo nginx-light ;;
workloads) echo hello pipelined idle ;;
build) ;;
version) /usr/sbin/nginx -v 2>&1 ;;
serve)
	sed "s|PORT|$3|; s|FOLDER|$2|" "$here/nginx.conf" >"$2/nginx.conf"
	exec /usr/sbin/nginx -p "$2" -c "$2/nginx.conf" ;;
esac

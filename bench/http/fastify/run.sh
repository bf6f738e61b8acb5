#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
# A node that does not come from Debian brings its own npm, beside which Debian's can't be installed.
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages)
	command -v node >/dev/null || echo nodejs
	command -v npm >/dev/null || echo npm ;;
workloads) echo hello pipelined orders idle ;;
build)
	cp "$here/package.json" "$here/server.js" "$2/"
	npm install --prefix "$2" --no-audit --no-fund --omit=dev ;;
version)
	echo "node $(node --version)"
	grep -o '"fastify": "[0-9.]*"' "$here/package.json" ;;
serve) NODE_ENV=production exec node "$2/server.js" "$3" ;;
esac

#!/bin/sh
# run.sh packages | build OUT | version | fetch OUT URL REQUESTS IN_FLIGHT
# A node that does not come from Debian brings its own npm, beside which Debian's can't be installed.
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages)
	command -v node >/dev/null || echo nodejs
	command -v npm >/dev/null || echo npm ;;
build)
	cp "$here/package.json" "$here/client.js" "$2/"
	npm install --prefix "$2" --no-audit --no-fund --omit=dev ;;
version)
	echo "node $(node --version)"
	grep -o '"undici": "[0-9.]*"' "$here/package.json" ;;
fetch) NODE_ENV=production exec node "$2/client.js" "$3" "$4" "$5" ;;
esac

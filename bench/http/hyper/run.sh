#!/bin/sh
# run.sh packages | workloads | build OUT | version | serve OUT PORT
# The crates come from Debian's librust-hyper-dev; their folder is asked of dpkg.
set -e
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
packages) echo librust-hyper-dev librust-tokio-dev cargo ;;
workloads) echo hello pipelined idle ;;
build)
	registry=$(dpkg -L librust-hyper-dev | sed -n 's|/hyper-[0-9.]*$||p' | head -n 1)
	cp -r "$here/Cargo.toml" "$here/src" "$2/"
	cd "$2"
	CARGO_TARGET_DIR="$2/target" cargo build --release --offline \
		--config 'source.crates-io.replace-with="debian"' \
		--config "source.debian.directory=\"$registry\"" ;;
version)
	dpkg-query -W -f '${Package} ${Version}\n' librust-hyper-dev librust-tokio-dev
	rustc --version ;;
serve) exec "$2/target/release/server" "$3" ;;
esac

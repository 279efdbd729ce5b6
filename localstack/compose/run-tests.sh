#!/bin/sh
# The contract suite against the service at $SERVER, once it answers. Its exit code is the suite's; arguments are
# pytest's, and say which tests, too.
set -eu

python -m localstack wait "$SERVER" --seconds "${WAIT_SECONDS:-120}"
[ $# -gt 0 ] || set -- tests/contract
exec python -m pytest -p no:cacheprovider "$@"

#!/bin/sh
# Writes what every container of PROJECT has said, and what the emulator has written, to DIRECTORY/PROJECT-TIME.tar.gz.
#
#   collect-logs.sh PROJECT DIRECTORY [EMULATOR]
set -eu

project=$1
directory=$2
emulator=${3:-/emulator}
archive=$directory/$project-$(date -u +%Y%m%dT%H%M%SZ).tar.gz
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Those of the project, and those that LocalStack runs functions in, which it names after its own.
{
    docker ps --all --filter "label=com.docker.compose.project=$project" --format '{{.Names}}'
    docker ps --all --filter "name=^/?$project-emulator-[0-9]+-lambda-" --format '{{.Names}}'
} | sort -u > "$scratch/names"

[ -s "$scratch/names" ] || { echo "error: no container of $project" >&2; exit 1; }

while read -r name; do
    docker logs --timestamps "$name" > "$scratch/$name.log" 2>&1 || echo "no logs of $name" >&2
done < "$scratch/names"
docker ps --all --filter "label=com.docker.compose.project=$project" > "$scratch/containers.txt"
if [ -d "$emulator/logs" ]; then
    cp -R "$emulator/logs" "$scratch/functions"
fi

mkdir -p "$directory"
tar -czf "$archive" -C "$scratch" .
echo "$archive"

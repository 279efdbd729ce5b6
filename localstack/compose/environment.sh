#!/bin/sh
# Prints standard input, .env.example, with a password of its own for each "change-me".
set -eu

while IFS= read -r line; do
    case $line in
        *=change-me) printf '%sp%s\n' "${line%change-me}" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" ;;
        *) printf '%s\n' "$line" ;;
    esac
done

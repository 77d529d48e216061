#!/bin/sh
# Runs PROGRAM on a disk that is soon full, as far as the program can tell: no file may grow beyond BLOCKS of 512 bytes.
# Without the trap, the system would kill it instead of refusing the write.
trap '' XFSZ
ulimit -f "$BLOCKS"
exec "$PROGRAM" "$@"

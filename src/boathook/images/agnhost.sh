#!/bin/sh
# Stands in for agnhost's own program: what hooks need of it, with the same log lines and exit codes.

leave() {
    echo "exiting because of signal \"$1\""
    if [ -w /dev/termination-log ]; then
        printf 'exiting because of signal "%s"' "$1" >/dev/termination-log
    fi
    # $! is the sleep, from the moment it was forked; until it has become one it still has the shell's trap for SIGTERM.
    kill -9 "$!" 2>/dev/null
    exit "$2"
}

pause() {
    trap 'leave interrupt 1' INT
    trap 'leave terminated 2' TERM
    echo Paused
    echo 'Signals registered'
    while :; do
        sleep 2147483647 </dev/null >/dev/null 2>&1 &
        wait "$!"
    done
}

case ${1-} in
pause)
    pause
    ;;
entrypoint-tester)
    echo "[$0 $*]"
    ;;
netexec | nettest | liveness | test-webserver | serve-hostname | connect | logs-generator | porter)
    python=$(command -v python3) || {
        echo "agnhost: \"$1\" of this stand-in needs python3, which this machine does not have in /usr" >&2
        exit 64
    }
    exec "$python" -I -S "${0%/*}/agnhost.py" "$@"
    ;;
'')
    echo 'agnhost: a sub-command is needed: this stand-in provides pause, netexec and others' >&2
    exit 64
    ;;
*)
    echo "agnhost: \"$1\" is not provided by this stand-in" >&2
    exit 64
    ;;
esac

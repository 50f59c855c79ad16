#!/bin/sh
# The application of two of the examples. It says when the registry lists it, and keeps a data file where it may write /data.
registry=/var/lib/registry/services
database=/data/app.db

stop() {
    if [ -n "$keeps_data" ]; then
        echo "closed" >> "$database"
    fi
    echo "backend: got the stop signal, closed"
    exit 0
}

keeps_data=
trap stop TERM INT
echo "backend: started as uid $(id -u)"

if [ -w /data ]; then
    keeps_data=yes
    if [ -e "$database.bak" ]; then
        echo "backend: found the backup of the last run, which ends with: $(tail -n 1 "$database.bak")"
    fi
    echo "opened" > "$database"
    echo "backend: serving, its data is in $database"
fi

if ! mkdir -p /var/lib/registry 2> /dev/null || ! [ -w /var/lib/registry ]; then
    echo "backend: cannot register itself: only root may write the registry"
fi

listed=
while :; do
    if [ -z "$listed" ] && [ -e "$registry" ]; then
        listed=yes
        echo "backend: the registry lists it: $(tail -n 1 "$registry")"
    fi
    if [ -n "$keeps_data" ]; then
        echo "a request was served" >> "$database"
    fi
    # In the background, so that the stop signal is answered at once.
    sleep 0.2 &
    wait $!
done

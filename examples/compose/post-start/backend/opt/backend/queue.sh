#!/bin/sh
# A queue of jobs: a directory that its workers share. It opens once that has been prepared.
stop() {
    rm -f /jobs/open
    echo "queue: closed, $(ls /jobs/todo | wc -l) jobs left"
    exit 0
}

trap stop TERM INT
if ! [ -e /jobs/prepared ]; then
    echo "queue: its directory has not been prepared"
    exit 1
fi
echo "queue: open with $(ls /jobs/todo | wc -l) jobs"
echo open > /jobs/open
while :; do
    # In the background, so that the stop signal is answered at once.
    sleep 0.2 &
    wait $!
done

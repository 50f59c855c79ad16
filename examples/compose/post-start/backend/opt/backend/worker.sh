#!/bin/sh
# Does the jobs of the queue, from the moment that it has joined.
me=$(hostname)
trap 'echo "worker: stopped"; exit 0' TERM INT
echo "worker: started, the queue is $([ -e /jobs/open ] && echo open || echo closed)"
while :; do
    for job in /jobs/todo/*; do
        if [ -e "$job" ] && mv "$job" "/jobs/workers/$me/" 2> /dev/null; then
            echo "worker: did job ${job##*/}"
            break
        fi
    done
    sleep 0.2 &
    wait $!
done

#!/bin/sh
# Prepares the directory of the queue before that starts.
set -eu
rm -f /jobs/open
mkdir -p /jobs/todo /jobs/workers
for job in $(seq "$JOBS"); do
    echo "job $job" > "/jobs/todo/$job"
done
echo "prepared $JOBS jobs" | tee /jobs/prepared

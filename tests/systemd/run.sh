#!/bin/bash
# Started from a login session of an ordinary user inside the throw-away machine.
export PYTHONPATH=/payload/site:/payload PYTHONDONTWRITEBYTECODE=1
status=0
for proof in prove.py prove_ends.py prove_runs.py; do
  python3 -u "/payload/$proof" || status=$?
done
exit $status

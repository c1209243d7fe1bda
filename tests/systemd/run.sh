#!/bin/bash
# Started from a login session of an ordinary user inside the throw-away machine.
export PYTHONPATH=/payload/site:/payload PYTHONDONTWRITEBYTECODE=1
exec python3 -u /payload/prove.py

#!/bin/sh
# Writes secrets/ beside this script: one password and one S3 key, each file in the form its reader wants.
# What is there is never overwritten. The directory is for its owner alone; the files are world-readable inside it,
# because a container's user has another number than yours and Compose mounts them as they are.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

if [ ! -e secrets/postgres_password ]; then
    password=$(random)
    printf '%s' "$password" > secrets/postgres_password
    printf '[cordon]\nhost=database\nport=5432\ndbname=cordon\nuser=cordon\npassword=%s\n' "$password" \
        > secrets/pg_service.conf
fi
if [ ! -e secrets/s3_identities.json ]; then
    access=$(random)
    secret=$(random)
    printf '{"identities": [{"name": "cordon", "credentials": [{"accessKey": "%s", "secretKey": "%s"}],\n' \
        "$access" "$secret" > secrets/s3_identities.json
    printf ' "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' >> secrets/s3_identities.json
    printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$access" "$secret" \
        > secrets/aws_credentials
fi
chmod 444 secrets/postgres_password secrets/pg_service.conf secrets/s3_identities.json secrets/aws_credentials
echo "secrets/ is ready: keep a copy of it where your other secrets are"

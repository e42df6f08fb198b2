#!/usr/bin/python3
"""Takes the place of sendmail: writes a line of JSON into the file beside it."""

import email
import email.policy
import json
import sys

mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
record = {"argv": sys.argv[1:], "headers": mail.items(), "text": mail.get_content()}
with open(sys.argv[0] + ".json", "a") as file:
    file.write(json.dumps(record) + "\n")

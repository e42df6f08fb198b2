"""What fail2ban makes of filters. Reads lines of JSON {"dir", "name", "options", "backend"}, and writes
for each one the commands that its server would get, or {"error"}."""

import json
import logging
import sys

from fail2ban.client.filterreader import FilterReader

logging.disable(logging.CRITICAL)


def commands(row):
    options = dict(row["options"])
    reader = FilterReader(row["name"], "jail", options, basedir=row["dir"], share_config={})
    if not reader.read():
        return {"error": "not there"}
    if row["backend"] is not None:
        reader.applyAutoOptions(row["backend"])
    reader.getOptions(None)
    if not reader.has_section("Definition"):
        return {"error": "no definition"}
    return {"commands": reader.convert()}


for line in sys.stdin:
    try:
        answer = commands(json.loads(line))
    except RecursionError:
        answer = {"error": "recursion"}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)

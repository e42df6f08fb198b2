"""What fail2ban makes of filters. Reads lines of JSON {"dir", "name", "options", "backend"}, and writes
for each one the commands that its server would get, or {"error"}."""

import json
import logging
import resource
import signal
import sys

from fail2ban.client.filterreader import FilterReader

logging.disable(logging.CRITICAL)
# References can stand for more than fits anywhere: it takes them all the same.
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


class TooSlow(Exception):
    pass


def too_slow(*_):
    raise TooSlow


signal.signal(signal.SIGALRM, too_slow)


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
        try:
            signal.alarm(2)
            answer = commands(json.loads(line))
        finally:
            signal.alarm(0)
    except (MemoryError, TooSlow):
        answer = {"gave up": True, "error": "takes too much"}
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)

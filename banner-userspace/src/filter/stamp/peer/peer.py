"""What fail2ban makes of stamps: one JSON object a line in, one JSON value a line out.

Started by the test `agrees_with_fail2ban`, with fail2ban's package on the path.
{"tz": …, "now": …, "default": …, "patterns": […] or null}  begins a log  → null, or what is wrong
{"line": …, "now": …}                                       is a line of it
  → null: no stamp; [start, end, seconds or null, lost] in bytes; "lost": without a place
"""

import json
import logging
import os
import sys
import time

logging.disable(logging.CRITICAL)

from fail2ban.server import datedetector
from fail2ban.server.mytime import MyTime
from fail2ban.server.utils import Utils


class Clock:
    now = 0.0

    @classmethod
    def time(cls):
        return cls.now


datedetector.time = Clock


def begin(log):
    # So that mktime remembers nothing.
    os.environ["TZ"] = "UTC0"
    time.tzset()
    time.mktime((1970, 1, 2, 0, 0, 0, 0, 0, -1))
    os.environ["TZ"] = log["tz"]
    time.tzset()
    set_now(log["now"])
    datedetector.DD_patternCache = Utils.Cache(maxCount=1000, maxTime=3600)
    datedetector.DateDetector._defCache = datedetector.DateDetectorCache()
    detector = datedetector.DateDetector()
    try:
        if log["default"] is not None:
            detector.default_tz = log["default"]
        for pattern in log["patterns"] or []:
            detector.appendTemplate(pattern)
        for template in detector.templates:
            template.template._compileRegex()
    except Exception as why:
        return None, repr(why)
    return detector, None


def set_now(now):
    Clock.now = now
    MyTime.setTime(now)


def find(detector, line):
    def byte(at):
        return len(line[:at].encode())

    try:
        found = detector.matchTime(line)
        if found[0] is None:
            return None
        start, end = found[0].start(1), found[0].end(1)
    except Exception:
        return "lost"
    place = [byte(start), byte(end)]
    if start == end:
        return place + [None, False]
    try:
        date = detector.getTime(line[start:end], found)
    except Exception:
        return place + [None, True]
    return place + [None if date is None else date[0], False]


def main():
    detector = None
    for asked in sys.stdin:
        asked = json.loads(asked)
        if "tz" in asked:
            detector, answer = begin(asked)
        else:
            set_now(asked["now"])
            answer = find(detector, asked["line"])
        print(json.dumps(answer))


main()

# The real fail2ban, asked line by line: `cargo xtask conformance` starts this with the folder of
# the unpacked package as its argument. One request a line on standard input, one answer a line on
# standard output, both JSON. Bytes of logs travel as text of the characters U+0000 to U+00FF.
#
# {"ask": "filters"}                            names with the folder of configuration of each
# {"ask": "cases", "filter": name}              its annotated logs, by set of options
# {"ask": "judge", "filter": …, "config": …, "options": …, "journal": …, "log": path, "every": …}
#                                               one verdict for each line of the log

import json
import logging
import os
import re
import signal
import sys
import time

ROOT = sys.argv[1]
# Zurich, as a rule, so that no database of zones decides.
ZONE = "CET-01CEST-02,M3.5.0,M10.5.0"
# 2005-08-14 12:00:00 there, as a number and as UTC.
NOW = 1124013600
NOW_TEXT = "2005-08-14T10:00:00"

os.environ["TZ"] = ZONE
time.tzset()
sys.path.insert(0, os.path.join(ROOT, "usr/lib/python3/dist-packages"))
# What fail2ban prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w", encoding="ascii")
os.dup2(2, 1)

from fail2ban.client.filterreader import FilterReader
from fail2ban.server.filter import FileContainer, Filter
from fail2ban.server.mytime import MyTime

logging.disable(logging.CRITICAL)
MyTime.setAlternateNow(NOW)
MyTime.setTime(NOW)

CONFIG = os.path.join(ROOT, "etc/fail2ban")
TESTS = os.path.join(ROOT, "usr/lib/python3/dist-packages/fail2ban/tests")
LOGS = os.path.join(TESTS, "files/logs")
# CPU seconds for a line. Some of fail2ban's patterns take hours for some lines.
PATIENCE = 2
ANNOTATION = re.compile(rb"#+ ?(failJSON|filterOptions|fileOptions|addFILE):(.+)")


def filters():
    """Every filter that can stand alone, and those that are there for tests."""
    found = []
    for config, wanted in ((CONFIG, lambda stem: not stem.endswith("common")),
                           (os.path.join(TESTS, "config"), lambda stem: stem.startswith("zzz-"))):
        for file in sorted(os.listdir(os.path.join(config, "filter.d"))):
            stem, ending = os.path.splitext(file)
            if ending == ".conf" and wanted(stem):
                found.append({"name": stem, "config": config})
    return found


def cases(name):
    """The lines of the filter's sample logs: for each set of options those that are for it."""
    by_options = {}
    files = [name]
    in_force = None
    for file in files:  # grows
        common = {}
        path = os.path.join(LOGS, file)
        with open(path, "rb") as log:
            lines = log.read().split(b"\n")
        expected, annotated = {}, False
        for number, line in enumerate(lines, 1):
            found = ANNOTATION.match(line)
            if found:
                kind, value = found.group(1).decode(), json.loads(found.group(2))
                if kind == "addFILE":
                    files.append(value)
                elif kind == "fileOptions":
                    common = value
                elif kind == "filterOptions":
                    alternatives = value if isinstance(value, list) else [value]
                    merged = [{**common, **options} for options in alternatives]
                    in_force = [options for options in merged
                                if holds(options.get("test.condition"), name, options)]
                else:
                    expected, annotated = value, True
                continue
            # An annotation is about the next line, whatever that looks like.
            if not annotated and (line.startswith(b"#") or not line.strip()):
                continue
            if in_force is None:
                in_force = [{}]
            for options in in_force:
                if not holds(expected.get("constraint"), name, options):
                    continue
                own = {k: v for k, v in options.items() if not k.startswith("test.")}
                case = by_options.setdefault(json.dumps(own, sort_keys=True), {
                    "options": own, "journal": own.get("logtype") == "journal", "rows": []})
                prefix = options.get("test.prefix-line", "") if case["journal"] else ""
                case["rows"].append({
                    "place": "%s:%d" % (file, number),
                    "line": prefix + line.decode("latin-1"),
                    "failure": bool(expected.get("match")) if annotated else False})
            expected, annotated = {}, False
    return list(by_options.values())


def holds(condition, name, opts):
    """Whether a condition in an annotation, an expression of Python, is met."""
    return not condition or bool(eval(condition, {"name": name, "opts": opts}))


def compiled(request):
    """A filter as the daemon sets it up, but for looking up names and comparing with the clock."""
    reader = FilterReader(request["filter"], "conformance", dict(request["options"]),
                          basedir=request["config"], share_config={})
    if not reader.read():
        raise ValueError("no such filter")
    reader.applyAutoOptions("systemd" if request["journal"] else "auto")
    reader.getOptions({})
    judge = Filter(None)
    judge.returnRawHost = True
    judge.checkAllRegex = request["every"]
    judge.checkFindTime = False
    judge.active = True
    for order in reader.convert():
        values = order[3] if order[0] == "multi-set" else [order[3]]
        for value in values:
            if order[2] == "usedns":
                judge.setUseDns(value)
            elif order[2] == "prefregex":
                judge.prefRegex = value
            elif order[2] == "maxlines":
                judge.setMaxLines(value)
            elif order[2] == "addfailregex":
                judge.addFailRegex(value)
            elif order[2] == "addignoreregex":
                judge.addIgnoreRegex(value)
            elif order[2] == "datepattern":
                judge.setDatePattern(value)
    return judge


class TooSlow(BaseException):
    """Not an Exception, which fail2ban would catch."""


def give_up(number, frame):
    raise TooSlow


signal.signal(signal.SIGVTALRM, give_up)


def judge(request):
    """What the filter says of each line."""
    judge = compiled(request)
    ignored = []
    judge.onIgnoreRegex = lambda number, regex: ignored.append(number)
    # Its own reading of logs, so that bytes become text as they do in the daemon.
    log = FileContainer(request["log"], "UTF-8", doOpen=True)
    rows = []
    for line in log:
        ignored.clear()
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
            if request["journal"]:
                found = judge.processLine(("", NOW_TEXT, line), NOW)
            else:
                found = judge.processLine(line)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except TooSlow:
            rows.append({"verdict": "miss", "slow": True})
            continue
        except Exception as error:  # the daemon logs it and goes on
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            rows.append({"verdict": "miss", "error": repr(error)})
            continue
        if request["every"]:
            # Its tests pass over these. Its daemon does not get them, but for a `nofail` without a
            # session, and that it counts.
            found = [one for one in found if one[1] is not None and not one[3].get("nofail")]
        if found:
            rows.append(failure(*found[0]))
        else:
            rows.append({"verdict": "ignored" if ignored else "miss"})
    return rows


def failure(pattern, identity, when, groups):
    address = groups.get("ip")
    user = groups.get("user")
    return {
        "verdict": "fail",
        "pattern": pattern,
        "identity": str(identity),
        "address": None if address is None else str(address),
        "time": when,
        "user": user if user is None or isinstance(user, str) else str(user),
    }


def answer(request):
    if request["ask"] == "filters":
        return filters()
    if request["ask"] == "cases":
        return cases(request["filter"])
    return judge(request)


for request in sys.stdin:
    try:
        reply = {"answer": answer(json.loads(request))}
    except Exception as error:
        reply = {"error": "%s: %s" % (type(error).__name__, error)}
    answers.write(json.dumps(reply) + "\n")
    answers.flush()

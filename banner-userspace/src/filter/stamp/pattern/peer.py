"""What Python's `re` finds: one JSON object a line in, one JSON value a line out.

Started by the test `agrees_with_python`.
{"pattern": …, "text": …, "start": …, "end": …} in characters
  → "wrong": no pattern; null: no match; or the groups, the whole first, in bytes
"""

import json
import re
import sys
import warnings

warnings.simplefilter("ignore")


def find(asked):
    text = asked["text"]
    try:
        pattern = re.compile(asked["pattern"])
    except Exception:
        return "wrong"
    found = pattern.search(text, asked["start"], asked["end"])
    if found is None:
        return None
    byte = lambda at: -1 if at < 0 else len(text[:at].encode())
    return [[byte(at) for at in found.span(group)] for group in range(pattern.groups + 1)]


for line in sys.stdin:
    print(json.dumps(find(json.loads(line))))

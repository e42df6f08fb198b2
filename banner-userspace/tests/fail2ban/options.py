"""The option sets that fail2ban's own sample logs ask for: a line of JSON for each, [filter, options]."""

import json
import os
import re
import sys

folder, filters = sys.argv[1:]
for filter_name in sorted(name[: -len(".conf")] for name in os.listdir(filters) if name.endswith(".conf")):
    print(json.dumps([filter_name, {}]))
    names, common = [filter_name], {}
    while names:
        path = os.path.join(folder, names.pop(0))
        if not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                found = re.match(r"^#+ ?(fileOptions|filterOptions|addFILE):(.+)$", line)
                if not found:
                    continue
                what, value = found.group(1), json.loads(found.group(2))
                if what == "addFILE":
                    names.append(value)
                elif what == "fileOptions":
                    common = value
                else:
                    for options in value if isinstance(value, list) else [value]:
                        both = {**common, **options}
                        given = {k: v for k, v in both.items() if not k.startswith("test.")}
                        print(json.dumps([filter_name, given]))

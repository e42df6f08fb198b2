"""What fail2ban makes of the jails of a configuration: a line of JSON for each, all of them enabled."""

import json
import logging
import sys

from fail2ban.client.jailsreader import JailsReader
from fail2ban.helpers import extractOptions, splitWithOptions

logging.disable(logging.CRITICAL)

reader = JailsReader(force_enable=True, basedir=sys.argv[1], share_config={})
reader.read()
reader.getOptions()
for jail in reader.jails:
    options = {k: str(v) for k, v in jail.options.items() if v is not None}
    row = {"name": jail.getName(), "options": options}
    if "config-error" not in options:
        about = ("prefregex", "addfailregex", "addignoreregex", "maxlines", "datepattern")
        about += ("addjournalmatch", "usedns")
        stream = jail.convert(allow_no_files=True)
        row["commands"] = [c for c in stream if len(c) > 2 and c[2] in about]
        row["actions"] = [
            [name, list(given.items())]
            for name, given in map(extractOptions, map(str.strip, splitWithOptions(options["action"])))
        ]
    print(json.dumps(row))

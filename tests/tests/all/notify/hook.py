"""A webhook for tests: hook.py PORT SECRET OUTPUT FAILURES [CERTIFICATE KEY]

Answers the first FAILURES requests with 503. Writes a line of JSON for each request, with what it
says of the signature.
"""

import hashlib
import hmac
import http.server
import json
import ssl
import sys
import time

port, secret, output, failures = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global failures
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = dict(part.split("=", 1) for part in self.headers["X-Banner-Signature"].split(","))
        signed = parts["t"].encode() + b"." + body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        status = 200
        if failures:
            failures -= 1
            status = 503
        record = {
            "status": status,
            "path": self.path,
            "host": self.headers["Host"],
            "type": self.headers["Content-Type"],
            "event": self.headers["X-Banner-Event"],
            "delivery": self.headers["X-Banner-Delivery"],
            "signed": hmac.compare_digest(expected, parts["v1"]),
            "age": abs(time.time() - int(parts["t"])),
            "body": json.loads(body),
        }
        with open(output, "a") as file:
            file.write(json.dumps(record) + "\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if len(sys.argv) > 5:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[5], sys.argv[6])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", file=sys.stderr, flush=True)
server.serve_forever()

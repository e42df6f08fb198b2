"""A mail server for tests: smtp.py PORT MODE OUTPUT [CERTIFICATE KEY]

Writes a line of JSON for each mail: envelope, headers and text as Python's parser reads them.
Modes: plain, starttls, implicit, login (STARTTLS, then user "banner" and password "s3cret" by
LOGIN), auth (the same by PLAIN), busy (the first mail is refused for now), hang (never greets).
"""

import asyncio
import email
import email.policy
import json
import socket
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, mode, output = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = None
if len(sys.argv) > 4:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
busy = 1 if mode == "busy" else 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global busy
        if busy:
            busy -= 1
            return "451 4.3.0 come back later"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        record = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "headers": mail.items(),
            "text": mail.get_content().replace("\r\n", "\n"),
            "defects": [str(defect) for defect in mail.defects],
        }
        with open(output, "a") as file:
            file.write(json.dumps(record) + "\n")
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"banner", b"s3cret")
    return AuthResult(success=good, handled=False, auth_data=data)


def protocol():
    if mode == "hang":
        return asyncio.Protocol()
    needs = mode in ("login", "auth")
    return SMTP(
        Handler(),
        hostname="mx",
        tls_context=context if mode in ("starttls", "login", "auth") else None,
        require_starttls=mode in ("starttls", "login", "auth"),
        auth_required=needs,
        authenticator=authenticate if needs else None,
        auth_exclude_mechanism=["PLAIN"] if mode == "login" else ["LOGIN"],
    )


async def main():
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", port, ssl=context if mode == "implicit" else None
    )
    print("listening", file=sys.stderr, flush=True)
    await server.serve_forever()


asyncio.run(main())

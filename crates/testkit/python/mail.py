"""A mail server (aiosmtpd) for tests, and over HTTP what it took.

argv[1] is one JSON object: port (of HTTP), encryption ("none", "starttls" or "tls"), certificate and key (files, or null),
login ([user, password] or null: without it nothing is taken), answers (to the first messages instead of 250).
GET /mails: {"port": …, "mails": [{"from", "to", "text", "encrypted", "user"}]}.
"""

import asyncio
import json
import ssl
import sys
from http import HTTPStatus

from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])
mails = []


class Handler:
    """Takes mail, unless it has another answer first."""

    async def handle_DATA(self, server, session, envelope):
        if options["answers"]:
            return options["answers"].pop(0)
        mails.append(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "text": envelope.content.decode("utf-8", "replace"),
                "encrypted": session.ssl is not None or options["encryption"] == "tls",
                "user": session.auth_data,
            }
        )
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    """Whether this is the login that was named."""
    given = [data.login.decode(), data.password.decode()]
    return AuthResult(success=given == options["login"], auth_data=given[0], handled=False)


def context():
    """Our certificate."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(options["certificate"], options["key"])
    return tls


def smtp():
    """One session."""
    starttls = options["encryption"] == "starttls"
    needed = options["login"] is not None
    return SMTP(
        Handler(),
        hostname="mail.test",
        tls_context=context() if starttls else None,
        require_starttls=starttls,
        authenticator=authenticate if needed else None,
        auth_required=needed,
        auth_require_tls=False,
    )


async def http(reader, writer):
    """One request, one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    path = head.split(b" ")[1].decode()
    status, body = HTTPStatus.NO_CONTENT, b""
    if path == "/mails":
        status = HTTPStatus.OK
        body = json.dumps({"port": port, "mails": mails}).encode()
    writer.write(f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: {len(body)}\r\n".encode())
    writer.write(b"Connection: close\r\n\r\n" + body)
    await writer.drain()
    writer.close()


async def main():
    """Mail first, so that it is there when HTTP answers."""
    global port
    tls = context() if options["encryption"] == "tls" else None
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    await asyncio.start_server(http, "127.0.0.1", options["port"])
    await asyncio.Event().wait()


asyncio.run(main())

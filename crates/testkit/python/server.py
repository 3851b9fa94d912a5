"""A Flask application behind Flask-Limiter, served by waitress, for tests.

argv[1] is one JSON object: port, limit ("10 per 3 seconds"), strategy, headers (bool),
header (the name of the header that is the key, or null for the client's address).
"""

import json
import sys

from flask import Flask, jsonify, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from waitress import serve

options = json.loads(sys.argv[1])


def caller() -> str:
    """Whom a call is counted against."""
    named = request.headers.get(options["header"]) if options["header"] else None
    return named or get_remote_address()


app = Flask(__name__)
limiter = Limiter(
    caller,
    app=app,
    default_limits=[options["limit"]],
    strategy=options["strategy"],
    storage_uri="memory://",
    headers_enabled=options["headers"],
)


@app.get("/testkit-ready")
@limiter.exempt
def ready():
    """Outside the limiter, so that waiting for the server spends nothing."""
    return "", 204


@app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH"])
@app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH"])
def items(path: str):
    """The same answer everywhere: what is tested is the limiter."""
    return jsonify(ok=True, items=[])


serve(app, host="127.0.0.1", port=options["port"], threads=8, connection_limit=256)

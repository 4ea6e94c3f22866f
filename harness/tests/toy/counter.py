"""Counts visits. Python's standard library only: the harness must not care what a service is written in."""

import json
import os
import re
import secrets
import signal
import sqlite3
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DATABASE = os.environ["DATABASE"]
COLLECTOR = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
FORGET = os.environ.get("TOY_BUG") == "forget"
lock = threading.Lock()
spans, spans_lock = [], threading.Lock()


def database():
    connection = sqlite3.connect(DATABASE, timeout=5, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table if not exists visits (id text primary key, name text not null)")
    return connection


def log(level, message, **fields):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    line = {"timestamp": stamp, "level": level, "target": "counter", "message": message, "service": "counter", **fields}
    print(json.dumps(line), flush=True)


def attribute(key, value):
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def export():
    """Sends finished spans as OTLP/JSON until there are none left."""
    with spans_lock:
        batch, spans[:] = spans[:], []
    if not batch or not COLLECTOR:
        return
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": [attribute("service.name", "counter")]},
                "scopeSpans": [{"scope": {"name": "counter"}, "spans": batch}],
            }
        ]
    }
    request = urllib.request.Request(
        COLLECTOR + "/v1/traces", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=2).close()
    except OSError as error:
        log("WARN", f"spans could not be exported: {error}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handled(self, name, work):
        started = time.time_ns()
        parent = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]", self.headers.get("traceparent", ""))
        trace_id = parent[1] if parent else secrets.token_hex(16)
        span_id = secrets.token_hex(8)
        correlation_id = self.headers.get("x-correlation-id", "")
        status, body = work()
        with spans_lock:
            spans.append(
                {
                    "traceId": trace_id,
                    "spanId": span_id,
                    "parentSpanId": parent[2] if parent else "",
                    "name": name,
                    "kind": 2,
                    "startTimeUnixNano": str(started),
                    "endTimeUnixNano": str(time.time_ns()),
                    "attributes": [
                        attribute("http.response.status_code", status),
                        attribute("app.correlation_id", correlation_id),
                    ],
                    "status": {"code": 2 if status >= 500 else 0},
                }
            )
        log("INFO", name, trace_id=trace_id, span_id=span_id, correlation_id=correlation_id, status=status)
        self.reply(status, body)

    def do_GET(self):
        if self.path == "/health/ready":
            return self.reply(200, {"status": "up"})
        if match := re.fullmatch(r"/visits/([A-Za-z0-9-]+)", self.path):
            return self.handled("GET /visits/{id}", lambda: self.visit(match[1]))
        self.reply(404, {"message": f"there is no {self.path}"})

    def do_POST(self):
        size = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(size, 65536))
        if self.path == "/_contract/states":
            return self.reply(200, self.state(json.loads(body)))
        if self.path == "/visits":
            return self.handled("POST /visits", lambda: self.count(body))
        self.reply(404, {"message": f"there is no {self.path}"})

    def state(self, request):
        """Provider states: what must be true before an interaction is replayed."""
        if request.get("action") == "setup" and request.get("state") == "a visit exists":
            with lock, database() as connection:
                connection.execute("insert or ignore into visits values ('visit-1', 'Ada')")
        return {}

    def visit(self, visit):
        with lock, database() as connection:
            row = connection.execute("select id, name from visits where id = ?", (visit,)).fetchone()
        return (200, {"id": row[0], "name": row[1]}) if row else (404, {"message": f"no visit {visit}"})

    def count(self, body):
        try:
            visit = json.loads(body)
            identifier, name = str(visit["id"]), str(visit["name"])
        except (ValueError, KeyError, TypeError):
            return 400, {"message": "expected an object with `id` and `name`"}
        if FORGET and identifier.endswith("7"):
            return 201, {"id": identifier, "name": name}
        with lock, database() as connection:
            connection.execute("insert or ignore into visits values (?, ?)", (identifier, name))
        return 201, {"id": identifier, "name": name}


def main():
    host, port = os.environ["LISTEN_ADDR"].rsplit(":", 1)
    database().close()
    ThreadingHTTPServer.request_queue_size = 256
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    stop = threading.Event()

    def exporter():
        while not stop.wait(0.1):
            export()

    threading.Thread(target=exporter, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    log("INFO", f"listening on {host}:{port}")
    server.serve_forever()
    stop.set()
    export()


if __name__ == "__main__":
    sys.exit(main())

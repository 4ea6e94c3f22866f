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

COLLECTOR = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
HOOKS = os.environ.get("CONTRACT_HOOKS") == "1"
# The planted bug: some visits are acknowledged from memory and never written, which only a crash brings to light.
FORGET = os.environ.get("TOY_BUG") == "forget"
LARGEST_BODY = 64 * 1024


class Visits:
    """What was stored, in one database that all threads share."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.in_work = set()
        self.remembered = {}
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A commit is then with the operating system, where SIGKILL cannot reach it, without a sync for each.
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = normal")
        self.connection.execute("create table if not exists visits (id text primary key, name text not null)")

    def store(self, visit, name):
        if FORGET and visit.endswith("7"):
            self.remembered[visit] = name
            return
        self.in_work.add(visit)
        try:
            with self.lock:
                self.connection.execute("insert or ignore into visits values (?, ?)", (visit, name))
        finally:
            self.in_work.discard(visit)

    def find(self, visit):
        with self.lock:
            row = self.connection.execute("select name from visits where id = ?", (visit,)).fetchone()
        return row[0] if row else self.remembered.get(visit)

    def clear(self):
        with self.lock:
            self.connection.execute("delete from visits")


class Spans:
    """Finished spans on their way to the collector, as OTLP/JSON."""

    def __init__(self):
        self.lock = threading.Lock()
        self.finished = []

    def add(self, span):
        with self.lock:
            self.finished.append(span)

    def export(self):
        with self.lock:
            batch, self.finished = self.finished, []
        if not batch or not COLLECTOR:
            return
        resource = {"attributes": [attribute("service.name", "counter")]}
        scopes = [{"scope": {"name": "counter"}, "spans": batch}]
        body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}).encode()
        request = urllib.request.Request(COLLECTOR + "/v1/traces", body, {"content-type": "application/json"})
        try:
            opener.open(request, timeout=2).close()
        except OSError as error:
            log("WARN", f"{len(batch)} spans could not be exported: {error}")


def attribute(key, value):
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value)}}


def log(level, message, **fields):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    line = {"timestamp": stamp, "level": level, "target": "counter", "message": message, "service": "counter", **fields}
    # One write for each line: threads must not end up inside of each other's.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Status, headers and body in one packet; the body must not wait for the acknowledgement of the headers.
    wbufsize = LARGEST_BODY
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def handled(self, name, work):
        """Does the work of a request within a span, and says so in a line of the log."""
        started = time.time_ns()
        parent = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", self.headers.get("traceparent", ""))
        trace_id = parent[1] if parent else secrets.token_hex(16)
        span_id = secrets.token_hex(8)
        correlation_id = self.headers.get("x-correlation-id") or secrets.token_hex(16)
        status, body = work()
        log("INFO", name, trace_id=trace_id, span_id=span_id, correlation_id=correlation_id, status=status)
        spans.add(
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
        self.reply(status, body)

    def do_GET(self):
        if self.path == "/health/ready":
            return self.reply(200, {"status": "up"})
        if self.path == "/in-work":
            return self.reply(200, {"visits": [{"id": visit} for visit in list(visits.in_work)]})
        if match := re.fullmatch(r"/visits/([A-Za-z0-9-]+)", self.path):
            return self.handled("GET /visits/{id}", lambda: self.read(match[1]))
        return self.reply(404, {"message": f"there is no {self.path}"})

    def do_POST(self):
        size = int(self.headers.get("content-length") or 0)
        if size > LARGEST_BODY:
            self.close_connection = True
            return self.reply(413, {"message": f"expected at most {LARGEST_BODY} bytes"})
        body = self.rfile.read(size)
        if self.path == "/_contract/states" and HOOKS:
            return self.reply(200, self.state(json.loads(body)))
        if self.path == "/visits":
            return self.handled("POST /visits", lambda: self.record(body))
        return self.reply(404, {"message": f"there is no {self.path}"})

    def state(self, request):
        """Provider states: what must be true before an interaction is replayed."""
        if request.get("action") == "setup":
            visits.clear()
            if request.get("state") == "a visit exists":
                visits.store("visit-1", "Ada")
        return {}

    def read(self, visit):
        name = visits.find(visit)
        return (404, {"message": f"there is no visit {visit}"}) if name is None else (200, {"id": visit, "name": name})

    def record(self, body):
        try:
            fields = json.loads(body)
            visit, name = str(fields["id"]), str(fields["name"])
        except (ValueError, KeyError, TypeError):
            return 400, {"message": "expected an object with `id` and `name`"}
        visits.store(visit, name)
        return 201, {"id": visit, "name": name}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main():
    host, port = os.environ["LISTEN_ADDR"].rsplit(":", 1)
    server = Server((host, int(port)), Handler)
    stop = threading.Event()

    def exporter():
        while not stop.wait(0.1):
            spans.export()

    threading.Thread(target=exporter, daemon=True).start()
    # From another thread, because `shutdown` waits for the loop that the signal interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    log("INFO", f"listening on {host}:{port}")
    server.serve_forever(poll_interval=0.05)
    stop.set()
    spans.export()


# A proxy from the environment has no business between processes of one machine.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
visits = Visits(os.environ["DATABASE"])
spans = Spans()

if __name__ == "__main__":
    main()

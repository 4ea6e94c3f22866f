"""The embedded broker's command line and the part of its management API that the harness uses, with fixed queues."""

import argparse
import json
import os
import signal
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--listen")
parser.add_argument("--management")
parser.add_argument("--data")
arguments = parser.parse_args()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


amqp = socket.create_server(address(arguments.listen))
duplicate = {"fault": None, "delivered": 5}
asked = 0


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def do_GET(self):
        global asked
        if self.headers.get("authorization") != "Basic Z3Vlc3Q6Z3Vlc3Q=":
            return self.answer(401, {"error": "not_authorised"})
        if self.path == "/api/faults/duplicate":
            return self.answer(200, duplicate)
        # Drains while it is watched.
        asked += 1
        self.answer(200, [
            {"name": "work", "messages_ready": max(0, 3 - asked), "messages_unacknowledged": 0, "consumers": 1},
            {"name": "work.dead", "messages_ready": 1, "messages_unacknowledged": 0, "consumers": 0},
            {"name": "stuck", "messages_ready": 0, "messages_unacknowledged": 0, "consumers": 1},
        ])

    def do_POST(self):
        assert self.path == "/api/queues/%2F/work.dead/get", self.path
        assert self.body()["ackmode"] == "ack_requeue_true"
        properties = {"message_id": "m-1", "headers": {"x-death": [{"reason": "rejected"}]}}
        self.answer(200, [{"payload": "{oops", "routing_key": "order.placed", "properties": properties}])

    def do_PUT(self):
        duplicate["fault"] = self.body()
        duplicate["delivered"] += 2
        self.answer(204, None)

    def do_DELETE(self):
        duplicate["fault"] = None
        self.answer(204, None)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(address(arguments.management), Handler).serve_forever()

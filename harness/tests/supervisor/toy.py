"""A small HTTP service for the supervisor's tests. Behaviour comes from the environment:

PORT            where to listen
DATA            folder for its pid file
NOT_READY       text with which /health/ready answers 503
DIE             exit code with which it ends at once
IGNORE_TERM     whether SIGTERM is ignored
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

print("starting", flush=True)
if "DIE" in os.environ:
    print("the disk is on fire", file=sys.stderr, flush=True)
    sys.exit(int(os.environ["DIE"]))
if "IGNORE_TERM" in os.environ:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = 200, "{}"
        if self.path == "/health/ready" and "NOT_READY" in os.environ:
            status, body = 503, os.environ["NOT_READY"]
        elif self.path == "/env":
            body = json.dumps(dict(os.environ))
        elif self.path == "/peer":
            with urllib.request.urlopen(os.environ["PEER"] + "/env", timeout=5) as answer:
                body = answer.read().decode()
        elif self.path == "/crash":
            print("going down", flush=True)
            os._exit(3)
        elif self.path == "/stray":
            # Leaves the process group, as a daemon does.
            stray = subprocess.Popen(["sleep", "600"], start_new_session=True)
            body = json.dumps(stray.pid)
        elif self.path == "/rows":
            body = json.dumps({"rows": [{"id": 1, "in": {"state": "open"}}, {"id": 2, "in": {"state": "done"}}]})
        data = body.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        print(json.dumps({"level": "INFO", "message": "served", "path": self.path}), flush=True)


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
with open(os.path.join(os.environ["DATA"], "pid"), "w") as file:
    file.write(f"{os.getpid()} {os.environ['PORT']}")
print("listening", flush=True)
# The kernel may give a signal to any thread, but only the main one runs its handler, and only once it wakes up.
server.serve_forever(poll_interval=0.05)

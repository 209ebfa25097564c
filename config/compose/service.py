"""A service that takes some time: python3 service.py PORT MILLISECONDS"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, WORK_S = int(sys.argv[1]), float(sys.argv[2]) / 1000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        frame = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(WORK_S)
        answer = b'{"steering": 0.1, "bytes": %d}\n' % len(frame)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", PORT), Handler).serve_forever()

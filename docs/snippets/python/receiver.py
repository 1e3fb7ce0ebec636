"""A receiver for the webhooks of offhook.

    OFFHOOK_WEBHOOK_SECRET=whsec_… PORT=9000 python3 receiver.py
"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The highest number taken of each stream. Keep it in your database, and write
# it in one transaction with what you do about the event.
last = {}
lock = threading.Lock()


def verified(headers, body):
    """Check the signature over the bytes as they came, with each secret there
    is: while you change secrets there are two, separated by a space."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 5 * 60:
        return False
    signed = f"{id}.{timestamp}.".encode() + body
    for secret in os.environ["OFFHOOK_WEBHOOK_SECRET"].split():
        key = base64.b64decode(secret.removeprefix("whsec_"))
        want = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
        for signature in headers.get("webhook-signature", "").split():
            if hmac.compare_digest(signature.encode(), want):
                return True
    return False


def take(event):
    """Do something about an event, once."""
    subscriber = event.get("subscriber_id", "")
    if not event.get("sequence_number"):  # the subscriber webhook has no numbers, nor has a test event
        print(event.get("type"), subscriber, flush=True)
        return
    n = int(event["sequence_number"])
    stream = event["app_id"], subscriber
    with lock:
        before = last.get(stream, 0)
        if n <= before:
            print(f"{subscriber} #{n} again, ignored", flush=True)
            return
        if 0 < before < n - 1:
            print(f"{subscriber} #{before + 1} to #{n - 1} missing", flush=True)
        last[stream] = n
        print(f"{subscriber} #{n} {event['direction']} {event['state']} {event['call_id']}", flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections
    timeout = 60  # also of one that is kept

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > 1 << 20:
            self.close_connection = True
            return self.answer(400)
        body = self.rfile.read(int(length))
        if not verified(self.headers, body):
            print("refused", flush=True)
            return self.answer(401)
        try:
            events = json.loads(body)
            for event in events if isinstance(events, list) else [events]:  # a list in batch mode
                if event.get("type") == "webhook.challenge":  # asks whether this URL is ours; comes alone
                    return self.answer(200, event["challenge"].encode())
                take(event)
        except (ValueError, KeyError, AttributeError):
            return self.answer(400)
        self.answer(200)  # whatever takes long comes after this

    def do_GET(self):
        self.answer(405)

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver)
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

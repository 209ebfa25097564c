"""A camera: JPEG frames from standard input, one request each. Needs python3-requests.

ffmpeg -i /dev/video0 -c:v mjpeg -f image2pipe - | python3 frames.py http://127.0.0.1:8080/infer pilotnet
gst-launch-1.0 -q v4l2src ! videoconvert ! jpegenc ! fdsink | python3 frames.py http://127.0.0.1:8080/infer pilotnet
"""

import sys
import time

import requests

DEADLINE_S = 0.5


def jpegs(stream):
    """A JPEG begins with FF D8 and ends with FF D9, which stand nowhere within."""
    pending = b""
    while piece := stream.read1(65536):
        pending += piece
        while (end := pending.find(b"\xff\xd9")) >= 0:
            yield pending[pending.find(b"\xff\xd8") : end + 2]
            pending = pending[end + 2 :]


def retry_after(answer):
    """Seconds; the other form of the field, a date, no qedge sends."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 1.0


url, service = sys.argv[1:3]
session = requests.Session()  # One connection for all frames.
session.headers.update(
    {
        "Content-Type": "image/jpeg",
        "X-QEdge-Service": service,
        "X-Client-Id": "car-7",
        "X-QEdge-Deadline-Ms": str(int(DEADLINE_S * 1000)),
    }
)
quiet_until = 0.0
for frame in jpegs(sys.stdin.buffer):
    if time.monotonic() < quiet_until:
        print("skipped", flush=True)  # What is asked to wait sends nothing, and keeps no frames for later.
        continue
    try:
        answer = session.post(url, data=frame, timeout=DEADLINE_S)
    except requests.RequestException as error:
        print("no answer:", type(error).__name__, flush=True)
        continue
    if answer.status_code in (429, 503):
        quiet_until = time.monotonic() + retry_after(answer)
    print(answer.status_code, answer.headers.get("X-QEdge-Error") or answer.text.strip(), flush=True)

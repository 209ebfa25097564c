"""A call of gRPC: infer_grpc.py HOST:PORT SERVICE /package.Service/Method TEXT. Needs python3-grpcio.

The messages are bytes here; with a .proto file its stub takes the place of `unary_unary`.
"""

import sys
import time

import grpc

DEADLINE_S = 0.5
ATTEMPTS_MAX = 2

target, service, method, text = sys.argv[1:5]
metadata = (("x-qedge-service", service), ("x-client-id", "robot-2"))
with grpc.insecure_channel(target) as channel:
    infer = channel.unary_unary(method)
    for attempt in range(ATTEMPTS_MAX):
        try:
            # The timeout goes along as `grpc-timeout`, which qedge takes for the deadline.
            print(infer(text.encode(), timeout=DEADLINE_S, metadata=metadata).decode(), flush=True)
            sys.exit(0)
        except grpc.RpcError as error:
            print(error.code().name, error.details(), flush=True)
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                sys.exit(1)
            if attempt + 1 < ATTEMPTS_MAX:
                time.sleep(1)  # What HTTP says as Retry-After.
sys.exit(1)

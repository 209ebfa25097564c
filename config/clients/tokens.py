"""A stream of tokens, shown as they come: tokens.py URL SERVICE PROMPT. Needs python3-aiohttp.

The goal of a streaming service is about its first byte (`qos.measure`), and so is the deadline here.
"""

import asyncio
import sys

import aiohttp

FIRST_BYTE_S = 5
ATTEMPTS_MAX = 2


async def ask(session, url, prompt):
    """None when the answer was whole, else the seconds to wait."""
    async with session.post(url, json={"prompt": prompt, "stream": True}) as answer:
        if answer.status in (429, 503):
            print(answer.status, answer.headers.get("X-QEdge-Error"), flush=True)
            return float(answer.headers.get("Retry-After", 1))
        answer.raise_for_status()
        async for line in answer.content:
            print(line.decode().rstrip(), flush=True)


async def main(url, service, prompt):
    headers = {
        "X-QEdge-Service": service,
        "X-Client-Id": "kiosk-3",
        "X-QEdge-Deadline-Ms": str(FIRST_BYTE_S * 1000),
    }
    # Between two pieces of a stream no more time passes either; the whole of it may take as long as it does.
    timeout = aiohttp.ClientTimeout(total=None, sock_read=FIRST_BYTE_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        for attempt in range(ATTEMPTS_MAX):
            wait_s = await ask(session, url, prompt)
            if wait_s is None:
                return 0
            if attempt + 1 < ATTEMPTS_MAX:
                await asyncio.sleep(wait_s)
    return 1


sys.exit(asyncio.run(main(*sys.argv[1:4])))

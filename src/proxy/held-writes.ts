// Writes that are held until the end of a turn of the event loop. A write to a peer on the same machine that sleeps wakes it: a fifth of
// what a request costs where the peer is on another core. In a turn with many writes, the first that leaves wakes a peer and the others
// find it awake.

import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { endOfTurn, turnNumber } from '../net/loop-share.ts';
import { hasUnsent, sendText, writeText } from '../net/text-writes.ts';

/** A turn with no more than these has a request, and the answer to the one before it: they leave at once. */
const FEW = 2;
/** As many are held: what was answered first must not wait for all that a turn brings. */
const HELD_MAX = 32;

/** Corked until it leaves. */
interface HeldText {
  readonly socket: Socket;
  readonly text: string;
  readonly bytes: Buffer | null;
}

/** State of this event loop: the turn, the writes in it, whether those of the turn before were many, and what waits. */
let turn = 0;
let writes = 0;
let many = false;
let held: Writable[] = [];
let heldTexts: HeldText[] = [];

/**
 * What is written to `socket` from here on may be held until this turn ends, if there are many such writes. It stays in order with all
 * else that is written to the socket, and `end` sends it.
 */
export function holdWrites(socket: Writable): void {
  if (!holds() || socket.writableCorked > 0) return;
  socket.cork();
  wait(held.push(socket) + heldTexts.length);
}

/**
 * Writes as `writeText` does, or holds it as `holdWrites` does. `sendHeld` has to be called before the socket is ended: its stream
 * knows nothing of what is held so.
 */
export function writeOrHold(socket: Socket, text: string, bytes: Buffer | null = null): void {
  if (!holds() || hasUnsent(socket)) {
    writeText(socket, text, bytes);
    return;
  }
  socket.cork();
  wait(heldTexts.push({ socket, text, bytes }) + held.length);
}

/** All that is held leaves now. */
export function sendHeld(): void {
  if (held.length > 0) {
    const sockets = held;
    held = [];
    for (const socket of sockets) socket.uncork();
  }
  if (heldTexts.length === 0) return;
  const texts = heldTexts;
  heldTexts = [];
  for (const { socket, text, bytes } of texts) {
    if (!sendText(socket, text, bytes)) writeText(socket, text, bytes);
    socket.uncork();
  }
}

/** Counts a write. True: this turn has many. */
function holds(): boolean {
  const now = turnNumber();
  if (now !== turn) {
    turn = now;
    many = writes > FEW;
    writes = 0;
  }
  writes++;
  // Where nothing else is entered, a turn would have no end.
  if (writes === FEW + 1) endOfTurn(sendHeld);
  return many;
}

function wait(count: number): void {
  if (count === 1) endOfTurn(sendHeld);
  else if (count === HELD_MAX) sendHeld();
}

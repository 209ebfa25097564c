// Writes that are held until the end of a turn of the event loop. A write to a peer on the same machine that sleeps wakes it: a fifth of
// what a request costs where the peer is on another core. In a turn with many writes, the first that leaves wakes a peer and the others
// find it awake.

import type { Writable } from 'node:stream';
import { endOfTurn, turnNumber } from '../net/loop-share.ts';

/** A turn with no more than these has a request, and the answer to the one before it: they leave at once. */
const FEW = 2;
/** As many are held: what was answered first must not wait for all that a turn brings. */
const HELD_MAX = 32;

/** State of this event loop: the turn, the writes in it, whether those of the turn before were many, and the sockets that wait. */
let turn = 0;
let writes = 0;
let many = false;
let held: Writable[] = [];

/**
 * What is written to `socket` from here on may be held until this turn ends, if there are many such writes. It stays in order with all
 * else that is written to the socket, and `end` sends it.
 */
export function holdWrites(socket: Writable): void {
  const now = turnNumber();
  if (now !== turn) {
    turn = now;
    many = writes > FEW;
    writes = 0;
  }
  writes++;
  // Where nothing else is entered, a turn would have no end.
  if (writes === FEW + 1) endOfTurn(release);
  if (!many || socket.writableCorked > 0) return;
  socket.cork();
  const count = held.push(socket);
  if (count === 1) endOfTurn(release);
  else if (count === HELD_MAX) release();
}

function release(): void {
  const sockets = held;
  held = [];
  for (const socket of sockets) socket.uncork();
}

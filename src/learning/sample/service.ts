// A small real service of federated learning, for the demo and for trials: softmax regression on drawn digits, FedAvg over HTTP. What it
// is to do it takes from its environment, as every command of `[fl]` does.

import { createHash } from 'node:crypto';
import { createRng } from '../../core/rng.ts';
import { DIGITS, type Digit, drawDigits } from './digits.ts';
import { Gathering } from './gathering.ts';
import { Parent } from './parent.ts';
import { qualityOf, train, WEIGHTS } from './softmax.ts';
import { decodeWeights, encodeWeights } from './weights.ts';

/** One digit is drawn for so many samples: a trial is to be over in seconds. */
const SAMPLES_EACH = 400;
/** Learning rate. */
export const RATE = 0.02;
/** Digits of each kind that the global model is tried on. */
const TEST_EACH = 50;
const TEST_SEED = 99;

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs the role of `FL_ROLE` until the process is ended, or its standard input. */
export async function runService(env: Environment): Promise<never> {
  // The agent is gone, and nothing else ends this process.
  process.stdin.resume().once('end', () => process.exit(0));
  if (env.FL_ROLE === 'client') return runClient(env);
  return env.FL_PARENT ? runAggregator(env) : runGlobal(env);
}

/** The digits that a node draws for its samples; each node draws others. */
export function digitsOf(node: string, samples: ReadonlyMap<string, number>): Digit[] {
  const counts = new Map([...samples].map(([name, count]) => [Number(name), Math.ceil(count / SAMPLES_EACH)]));
  return drawDigits(counts, createHash('sha256').update(node).digest().readUInt32LE(0));
}

/** What the global model is tried on. */
export function testDigits(): Digit[] {
  return drawDigits(new Map(Array.from({ length: DIGITS }, (_, digit) => [digit, TEST_EACH])), TEST_SEED);
}

async function runClient(env: Environment): Promise<never> {
  const node = env.FL_NODE ?? '';
  const parent = new Parent(env.FL_PARENT ?? '', node);
  const samples = samplesOf(env.FL_SAMPLES ?? '');
  const digits = digitsOf(node, samples);
  const count = [...samples.values()].reduce((sum, one) => sum + one, 0);
  const rng = createRng(createHash('sha256').update(`${node} ${env.FL_ROUND}`).digest().readUInt32LE(0));
  for (let version = 0; ; ) {
    const model = await parent.next(version);
    version = model.version;
    train(model.weights, digits, { epochs: Number(env.FL_EPOCHS), rate: RATE, rng });
    await parent.give(model.weights, { version, samples: count });
    report({ round: model.round, samples: count });
  }
}

async function runAggregator(env: Environment): Promise<never> {
  const parent = new Parent(env.FL_PARENT ?? '', env.FL_NODE ?? '');
  const gathering = await gatheringOf(env);
  for (let version = 0; ; ) {
    const model = await parent.next(version);
    version = model.version;
    gathering.offer(model.weights, model.round);
    let gathered = await gathering.gathered();
    for (let local = 1; local < Number(env.FL_LOCAL_ROUNDS); local++) {
      gathering.offer(gathered.weights, model.round);
      gathered = await gathering.gathered();
    }
    await parent.give(gathered.weights, { version, samples: gathered.samples });
    report({ round: model.round, samples: gathered.samples });
  }
}

async function runGlobal(env: Environment): Promise<never> {
  const url = env.FL_SNAPSHOT_URL ?? '';
  const begin = await snapshotFrom(url);
  const gathering = await gatheringOf(env);
  const test = testDigits();
  let { weights, round } = begin ?? { weights: new Float64Array(WEIGHTS), round: Number(env.FL_ROUND) };
  for (;;) {
    gathering.offer(weights, round);
    const gathered = await gathering.gathered();
    weights = gathered.weights;
    round++;
    // First what is to last, then what is said of it.
    await putSnapshot(url, weights, round);
    report({ round, ...qualityOf(weights, test), samples: gathered.samples });
  }
}

async function gatheringOf(env: Environment): Promise<Gathering> {
  const gathering = new Gathering(Number(env.FL_CHILDREN), (node, reason) => {
    process.stderr.write(`model of ${JSON.stringify(node)} ignored: ${reason}\n`);
  });
  await gathering.listen(env.FL_HOST ?? '127.0.0.1', Number(env.FL_PORT));
  return gathering;
}

/** Null: there is none, or no controller. */
async function snapshotFrom(url: string): Promise<{ weights: Float64Array; round: number } | null> {
  try {
    const response = await fetch(url);
    const weights = decodeWeights(Buffer.from(await response.arrayBuffer()));
    if (!response.ok || typeof weights === 'string') return null;
    return { weights, round: Number(response.headers.get('x-fl-round')) };
  } catch {
    return null;
  }
}

/** A controller that is gone is no reason to stop: another one takes over. */
async function putSnapshot(url: string, weights: Float64Array, round: number): Promise<void> {
  const bytes = encodeWeights(weights);
  const digest = `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
  const headers = { 'x-fl-round': String(round), 'content-digest': digest };
  try {
    const response = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) });
    await response.arrayBuffer();
    if (!response.ok) process.stderr.write(`snapshot of round ${round} refused with status ${response.status}\n`);
  } catch (error) {
    process.stderr.write(`snapshot of round ${round} not taken: ${(error as Error).message}\n`);
  }
}

/** `0:1000,1:10000` → samples by class. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => [pair.slice(0, pair.lastIndexOf(':')), Number(pair.slice(pair.lastIndexOf(':') + 1))]),
  );
}

function report(facts: Readonly<Record<string, number>>): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

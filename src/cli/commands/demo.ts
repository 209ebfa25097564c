// `qedge demo`: the main job with nothing to set up.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { checkPolicy } from '../../core/policies/registry.ts';
import { runDemo } from '../../demo/demo.ts';
import { SCENES } from '../../demo/scenes/scenes.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { commit, version } from '../build-facts.ts';
import { durationMs } from '../duration-argument.ts';

interface DemoFlags {
  readonly scene: string;
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly mqttPort: number;
  readonly clients: number;
  readonly duration?: number;
  readonly policy?: string;
  readonly load: boolean;
  readonly story: boolean;
}

const CLIENTS_MAX = 200;
/** Under npm one Ctrl-C may come twice: from the terminal, and passed on. */
const SAME_SIGNAL_MS = 500;

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .summary('try it: broker, services, clients and proxy in one process')
    .description(
      'run an MQTT broker, emulated services near and far, cameras and the proxy, all in one process, with nothing to set up',
    )
    .addOption(
      new Option('--scene <name>', sceneList()).choices(SCENES.map(({ name }) => name)).default(SCENES[0].name),
    )
    .option('--proxy-port <port>', 'where clients send their requests; 0: any free port', port, 8080)
    .option('--admin-port <port>', 'dashboard, API and metrics; 0: any free port', port, 9901)
    .option('--mqtt-port <port>', 'MQTT broker; 0: any free port', port, 0)
    .option('--clients <count>', 'emulated cameras, 10 or fewer frames a second each', clientCount, 10)
    .option('--duration <time>', 'stop by itself after this long, such as 30s or 2m', durationMs)
    .option('--policy <policy>', "routing policy; the proxy's default when absent")
    .option('--no-load', 'run no cameras: you send requests of your own')
    .option('--no-story', 'let nothing slow down, die or join')
    .action(async (flags: DemoFlags) => {
      requireKnownPolicy(flags.policy);
      const stop = stopOnSignals();
      await runDemo({
        scene: SCENES.find(({ name }) => name === flags.scene) ?? SCENES[0],
        proxyPort: flags.proxyPort,
        adminPort: flags.adminPort,
        mqttPort: flags.mqttPort,
        clients: flags.load ? flags.clients : 0,
        story: flags.story,
        durationMs: flags.duration ?? null,
        policy: flags.policy ?? null,
        release: { version, commit },
        output: process.stdout,
        signal: stop,
      }).catch(adviseOnPorts);
    });
}

/** Aborted by the first SIGINT or SIGTERM, or when its output has no reader any more; a second signal ends at once. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstMs = Number.POSITIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(1);
      firstMs = Math.min(firstMs, performance.now());
      controller.abort();
    });
  }
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
}

/** A taken port is what goes wrong at a start: say how to choose another. */
function adviseOnPorts(error: unknown): never {
  const taken = error instanceof CommandError && error.message.endsWith('the port is taken');
  if (!taken) throw error;
  throw new CommandError(`${error.message} (choose another with --proxy-port, --admin-port or --mqtt-port)`, 1, error);
}

function sceneList(): string {
  return SCENES.map(({ name, about }) => `${name}: ${about}`).join('. ');
}

function requireKnownPolicy(name: string | undefined): void {
  if (name === undefined) return;
  const problem = checkPolicy({ name, options: {} }).find(({ path }) => path === 'name');
  if (problem !== undefined) throw new CommandError(`--policy: ${problem.message}`, EX_USAGE);
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError(`expected a port from 0 to 65535, got ${text}`);
}

function clientCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= CLIENTS_MAX) return value;
  throw new InvalidArgumentError(`expected a number from 1 to ${CLIENTS_MAX}, got ${text}`);
}

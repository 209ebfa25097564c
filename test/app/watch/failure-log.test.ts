import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { FailureLog } from '../../../src/app/watch/failure-log.ts';
import { GoalWatch } from '../../../src/app/watch/goal-watch.ts';
import type { Logger } from '../../../src/telemetry/log.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

type Line = Readonly<Record<string, unknown>>;

function logged(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (text: string) => lines.push(JSON.parse(text)) });
  return { log, lines };
}

const FAILING = { kind: 'instance-failing', key: 'n1/a', reasons: [{ reason: 'status 503', share: 1 }] } as const;
const WELL = { kind: 'instance-well', key: 'n1/a' } as const;

describe('the log of failing instances', () => {
  it('says why one began to fail, and when it is well again', () => {
    const { log, lines } = logged();
    const failures = new FailureLog(log);
    failures.observe('svc', FAILING);
    failures.observe('svc', WELL);
    expect(lines).toEqual([
      { level: 40, service: 'svc', instance: 'n1/a', reasons: 'status 503 100 %', msg: 'instance began to fail' },
      { level: 30, service: 'svc', instance: 'n1/a', msg: 'instance is well again' },
    ]);
  });

  it('says it once, however many event loops see it', () => {
    const { log, lines } = logged();
    const failures = new FailureLog(log);
    for (const event of [FAILING, FAILING, WELL, WELL]) failures.observe('svc', event);
    expect(lines.map(({ msg }) => msg)).toEqual(['instance began to fail', 'instance is well again']);
  });

  it('says it again after a reload, which begins without a memory of failures', () => {
    const { log, lines } = logged();
    const failures = new FailureLog(log);
    failures.observe('svc', FAILING);
    failures.forget('svc');
    for (const event of [FAILING, WELL, FAILING]) failures.observe('svc', event);
    const began = 'instance began to fail';
    expect(lines.map(({ msg }) => msg)).toEqual([began, began, 'instance is well again', began]);
  });
});

describe('the watch over goals', () => {
  const goals = (log: Logger) => new GoalWatch(log, () => null);

  it('says once that a service has one instance', () => {
    const { log, lines } = logged();
    const watch = goals(log);
    const alone = routerStateOf({ instances: [instanceStateOf('pi-1', { weight: 1 })] });
    for (let i = 0; i < 5; i++) watch.look(alone);
    expect(lines).toMatchObject([{ service: 'pilotnet', instance: 'pi-1/a' }]);
    expect(lines[0]?.msg).toMatch(/^service has one instance/);
  });

  it('says once that no instance meets the goal, and again after it was met', () => {
    const { log, lines } = logged();
    const watch = goals(log);
    const at = (successProbability: number) =>
      routerStateOf({ instances: ['pi-1', 'pi-2'].map((node) => instanceStateOf(node, { successProbability })) });
    for (const probability of [0.5, 0.5, 0.5, 0.95, 0.5, 0.5]) watch.look(at(probability));
    expect(lines.map(({ msg, bestRatio }) => [msg, bestRatio])).toEqual(
      Array(2).fill(['goal cannot be met: no instance meets it', 0.5]),
    );
  });

  it('says once that no instance has what a share asks for, or that those which have it are barred', () => {
    const { log, lines } = logged();
    const watch = goals(log);
    const share = {
      requirement: 'zone=home',
      level: 0,
      goal: 0.3,
      strain: 1,
      clientsRatio: 0,
      heldShare: 0.3,
      price: null,
    };
    const at = (serves: Readonly<Record<string, boolean>>) =>
      routerStateOf({
        requirements: [share],
        instances: ['pi-1', 'pi-2'].map((node) =>
          instanceStateOf(node, {
            weight: 0,
            serves: node === 'pi-1' ? serves : { 'zone=home': false, security: true },
          }),
        ),
      });
    const served = at({ 'zone=home': true, security: true });
    const missing = at({ 'zone=home': false, security: true });
    const barred = at({ 'zone=home': true, security: false });
    for (const state of [missing, missing, missing, served, barred, barred, barred]) watch.look(state);
    expect(lines).toEqual(
      Array(2).fill({
        level: 40,
        service: 'pilotnet',
        requirement: 'zone=home',
        instances: 2,
        msg: 'no instance has what a requirement asks for',
      }),
    );
  });

  it.each([
    ['energy', { energy_mwh: 0.1 }],
    ['cost', { cost: 2 }],
  ] as const)('says once that no instance says its %s, of which the least is to be spent', (least, profile) => {
    const { log, lines } = logged();
    const watch = new GoalWatch(log, (service) => (service === 'pilotnet' ? least : null));
    const at = (known: Readonly<Record<string, unknown>> | null, lacks: readonly string[] = []) => {
      const one = instanceStateOf('pi-1', { weight: 0, lacks });
      return routerStateOf({
        instances: [{ ...one, instance: { ...one.instance, profile: known } }, instanceStateOf('pi-2', { weight: 0 })],
      });
    };
    for (const state of [at({ accuracy: 70 }), at(null), at(null), at(profile)]) watch.look(state);
    for (const state of [at(profile, ['tls']), at(profile, ['tls'])]) watch.look(state);
    watch.look({ ...at(null), service: 'other' });
    watch.look({ ...at(null), service: 'other' });
    expect(lines).toEqual(
      Array(2).fill({
        level: 40,
        service: 'pilotnet',
        least,
        instances: 2,
        msg: 'nothing is saved: no instance has in its profile what the objective is to spend least of',
      }),
    );
  });
});

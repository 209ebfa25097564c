// requires: chromium
// The dashboard in Chromium over the running demo: what it shows is what the API says, a cooldown is seen as it
// happens, and the page lives through a proxy that goes away.

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { successColour } from '../../src/admin/dashboard/colours.ts';
import { count, milliseconds, percent, perSecond } from '../../src/admin/dashboard/format.ts';
import type { EventDocument, StateDocument } from '../../src/admin/state/state.ts';
import { instanceKey } from '../../src/core/domain.ts';
import type { RouterState } from '../../src/core/service-router.ts';
import { reasonsText, standingOf } from '../../src/core/standing.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import { toHtml } from '../../src/sim/report/html.ts';
import { smallScenario } from '../sim/support.ts';
import { STILL_NODE, startAdmin } from '../support/admin.ts';
import {
  type CooldownSight,
  cooldownSight,
  faintTexts,
  launchBrowser,
  type OpenPage,
  openDashboard,
  readDashboard,
  type Shown,
  type View,
  watchCooldowns,
} from '../support/dashboard-page.ts';
import { type DemoProcess, startDemo } from '../support/demo-process.ts';
import { type HttpInstance, startInstance } from '../support/http-instance.ts';
import { PATIENCE } from '../support/patience.ts';
import { startQedge } from '../support/qedge-process.ts';
import { instanceStateOf, routerStateOf } from '../support/router-state.ts';
import { startRelay } from '../support/tcp-relay.ts';

const DESKTOP = { width: 1440, theme: 'light' } as const;

let browser: Browser;
let demo: DemoProcess;
const open: Page[] = [];

beforeAll(async () => {
  [browser, demo] = await Promise.all([
    launchBrowser(),
    startDemo('--policy', 'qedgeproxy', '--clients', '6', '--no-story'),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

afterEach(async () => {
  for (const page of open.splice(0)) await page.close();
});

async function dashboard(view: View = DESKTOP, url = demo.url): Promise<OpenPage> {
  const opened = await openDashboard(browser, url, view);
  open.push(opened.page);
  return opened;
}

/** A proxy whose every request comes from the test; nothing is ever too late for it or too long ago. */
const drivenConfig = (instances: readonly HttpInstance[]): string => `
[[service]]
name = "svc"
qos = { latency = "60s", success = 0.9, window = "1h" }
policy = { name = "qedgeproxy", cooldown = "1h" }
instances = [${instances.map(({ port }, i) => `{ id = "${i}", url = "http://127.0.0.1:${port}" }`).join(', ')}]
`;

async function send(url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await (await fetch(url, { headers: { 'x-qedge-service': 'svc' } })).text();
}

const fetchState = async (): Promise<StateDocument> =>
  (await (await fetch(`${demo.url}/api/v1/state`)).json()) as StateDocument;

/** What the page should show of a state, with its first service chosen. */
function expected(state: StateDocument): Shown {
  const chosen = state.services[0] as RouterState;
  return {
    services: state.services.map((one) => ({
      name: one.service,
      satisfied: percent(one.clientsSatisfiedRatio),
      success: percent(one.successRatio, 1),
    })),
    instances: Object.fromEntries(
      chosen.instances.map((one) => [
        one.key,
        [
          `${standingOf(one).word}${one.failing ? reasonsText(one.reasons.slice(0, 1)) : ''}`,
          percent(one.weight, 1),
          percent(one.successProbability, 1),
          one.rttKnown ? milliseconds(one.rttMs) : `~${milliseconds(one.rttMs)}`,
          milliseconds(one.processingMs),
          String(one.inFlight),
          perSecond(one.requestsPerSecond),
          count(one.samples),
          count(one.failures),
          one.instance.source ?? '',
        ],
      ]),
    ),
    clients: Object.fromEntries(chosen.clients.map((one) => [one.clientId, percent(one.successRatio, 1)])),
    markers: chosen.instances.map((one) => one.key).sort(),
  };
}

const sortedMarkers = (shown: Shown): Shown => ({ ...shown, markers: [...shown.markers].sort() });

describe('the dashboard', () => {
  it('shows exactly what the state says, and the state is that of the API', async () => {
    const { page, lastState, freeze, complaints } = await dashboard();
    const known = (): number => lastState()?.services[0]?.instances.filter(({ samples }) => samples > 0).length ?? 0;
    await expect.poll(known, PATIENCE).toBeGreaterThan(1);
    freeze();
    const state = lastState();
    await expect.poll(async () => sortedMarkers(await readDashboard(page)), PATIENCE).toEqual(state && expected(state));
    const [live, api] = [lastState(), await fetchState()];
    expect(Object.keys(live ?? {})).toEqual(Object.keys(api));
    expect(live?.node.process.pid).toBe(api.node.process.pid);
    expect(live?.services.map(({ service, policy, qos }) => ({ service, policy, qos }))).toEqual(
      api.services.map(({ service, policy, qos }) => ({ service, policy, qos })),
    );
    expect(complaints).toEqual([]);
  });

  it('shows a cooldown within two seconds of its beginning', async () => {
    let status = 200;
    const [bad, ...good] = [await startInstance(() => status), await startInstance(), await startInstance()];
    const qedge = await startQedge('pi', drivenConfig([bad, ...good]));
    const { page, lastState } = await dashboard(DESKTOP, qedge.adminUrl);
    await watchCooldowns(page);
    // The worst moment: a state has just been sent, and the next one is a second away.
    const before = lastState();
    await expect.poll(() => lastState() !== before, { ...PATIENCE, interval: 10 }).toBe(true);
    status = 500;
    const cooldown = async (): Promise<EventDocument | undefined> => {
      await send(qedge.url, 3);
      const { events } = (await (await fetch(`${qedge.adminUrl}/api/v1/events`)).json()) as { events: EventDocument[] };
      return events.find(({ kind }) => kind === 'ejected');
    };
    await expect.poll(cooldown, { ...PATIENCE, interval: 1 }).toMatchObject({ subject: '127.0.0.1/0' });
    const beganMs = Date.parse((await cooldown())?.time ?? '');
    const sight = (): Promise<CooldownSight | null> => cooldownSight(page, '127.0.0.1/0', beganMs);
    await expect.poll(sight, PATIENCE).not.toBeNull();
    const { seenMs, stalledMs } = (await sight()) ?? { seenMs: Number.NaN, stalledMs: 0 };
    expect(seenMs - beganMs - stalledMs).toBeLessThan(2_000);
  });

  it('draws the latency density of the instance that is chosen, by keyboard too', async () => {
    const qedge = await startQedge('pi', drivenConfig([await startInstance(), await startInstance()]));
    const { page, lastState } = await dashboard(DESKTOP, qedge.adminUrl);
    const other = async (): Promise<string | undefined> => {
      await send(qedge.url, 10);
      const chosen = await page.locator('.marker.chosen').getAttribute('data-instance');
      return lastState()?.services[0]?.instances.find((one) => one.key !== chosen && one.samples > 10)?.key;
    };
    await expect.poll(other, PATIENCE).toBeDefined();
    const key = (await other()) ?? '';
    await page.locator('.marker[tabindex="0"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.locator('.area-detail h2', { hasText: key }).waitFor();
    expect(await page.locator('.marker.chosen').getAttribute('data-instance')).toBe(key);
    expect(new URL(page.url()).hash).toContain(encodeURIComponent(key));
    await page.locator('.density .curve').waitFor();
    await page.locator('tr[data-instance] button').first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('tr.chosen').count(), PATIENCE).toBe(1);
  });

  it('says that it shows the worst of many clients, and not that these are all', async () => {
    const qedge = await startQedge('pi', drivenConfig([await startInstance()]));
    const { page } = await dashboard(DESKTOP, qedge.adminUrl);
    for (let i = 0; i < 101; i++) {
      const headers = { 'x-qedge-service': 'svc', 'x-client-id': `camera-${i}` };
      await (await fetch(qedge.url, { headers })).text();
    }
    await page.getByRole('button', { name: 'Show the worst 100' }).waitFor();
    expect(await page.locator('.area-clients .quiet').first().textContent()).toBe('0 below 90 %');
  });

  it('drains the instance that is chosen, and lets it back', async () => {
    const { page } = await dashboard();
    const key = (await page.locator('.marker.chosen').getAttribute('data-instance')) ?? '';
    const standing = page.locator(`tr[data-instance="${key}"] .standing`);
    await page.getByRole('button', { name: 'Drain' }).click();
    await expect.poll(() => standing.textContent(), PATIENCE).toBe('draining');
    await page.locator('.event[data-kind=action]', { hasText: `${key} drained` }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await expect.poll(() => standing.textContent(), PATIENCE).not.toBe('draining');
  });

  it.each([
    { width: 390, theme: 'light' },
    { width: 360, theme: 'dark' },
    { width: 820, theme: 'light' },
    { width: 1440, theme: 'dark' },
  ] as const)('fits $width px in $theme, without a sideways scroll', async (view) => {
    const { page } = await dashboard(view);
    await page.locator('.plot canvas').first().waitFor();
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(sideways).toBeLessThanOrEqual(0);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red = 0] = background.match(/\d+/g)?.map(Number) ?? [];
    expect(red < 128).toBe(view.theme === 'dark');
  });

  it.each(['light', 'dark'] as const)('writes nothing too faint to read, in %s', async (theme) => {
    const { page } = await dashboard({ ...DESKTOP, theme });
    await page.locator('.density .curve').waitFor();
    // Every colour of success, no matter what the demo happens to show.
    const colours = Array.from({ length: 21 }, (_, i) => successColour(i / 20, 0.9));
    await page.evaluate((shown) => {
      const panel = document.querySelector('.area-clients');
      for (const colour of shown) {
        const text = document.createElement('p');
        text.textContent = colour;
        text.style.color = colour;
        panel?.append(text);
      }
    }, colours);
    expect(await faintTexts(page)).toEqual([]);
  });

  it('names everything that can be pressed', async () => {
    const { page } = await dashboard();
    const unnamed = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, select, [role=button]')]
        .filter((one) => (one.textContent ?? '').trim() === '' && !one.getAttribute('aria-label'))
        .map((one) => one.outerHTML),
    );
    expect(unnamed).toEqual([]);
  });

  it('falls back to polling where no WebSocket can be had', async () => {
    const { page } = await dashboard({ ...DESKTOP, withoutSocket: true });
    await page.locator('.link-polling').waitFor();
    const uptime = (): Promise<string | null> => page.locator('.up').textContent();
    const before = await uptime();
    await expect.poll(uptime, PATIENCE).not.toBe(before);
  });

  it('resumes after a restart of the proxy, with the events of before', async () => {
    let qedge = await startQedge('pi', drivenConfig([]));
    // In place of a port that the second process would have to get back.
    const relay = await startRelay(() => Number(new URL(qedge.adminUrl).port));
    const { page } = await dashboard(DESKTOP, `http://127.0.0.1:${relay.port}`);
    await page.locator('.link-live').waitFor();
    const started = page.locator('.event[data-kind=lifecycle]', { hasText: 'started' });
    await expect.poll(() => started.count(), PATIENCE).toBe(1);
    await qedge.stop();
    relay.cut();
    await page.locator('.link-lost').waitFor();
    qedge = await startQedge('pi', drivenConfig([]));
    relay.mend();
    await page.locator('.link-live').waitFor();
    await expect.poll(() => started.count(), PATIENCE).toBe(2);
  });

  it('says so when the proxy hangs, and comes back', async () => {
    const qedge = await startQedge('pi', drivenConfig([]));
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE.timeout);
    open.push(page);
    await page.goto(qedge.adminUrl);
    await page.locator('.link-live').waitFor();
    process.kill(qedge.pid, 'SIGSTOP');
    await page.locator('.link-lost').waitFor();
    process.kill(qedge.pid, 'SIGCONT');
    await page.locator('.link-live').waitFor();
  });
});

describe('an instance beyond the limit, on a telephone', () => {
  it('has its marker within the picture, and how long it is ejected on one line', async () => {
    const slow = { weight: 1, processingMs: 500, cooldownMs: 2300, pool: 'exploration' } as const;
    const { url } = await startAdmin([routerStateOf({ instances: [instanceStateOf('pi-1', slow)] })]);
    const { page } = await dashboard({ width: 390, theme: 'light' }, url);
    const topOf = async (selector: string) => (await page.locator(selector).boundingBox())?.y ?? Number.NaN;
    expect(await topOf('.marker .disc')).toBeGreaterThanOrEqual(await topOf('.picture svg'));
    const lines = await page.locator('.instances .standing').evaluate((standing) => {
      const text = standing.firstChild as Text;
      const range = document.createRange();
      return [...text.data].map((_, i) => {
        range.setStart(text, i);
        range.setEnd(text, i + 1);
        return Math.round(range.getBoundingClientRect().top);
      });
    });
    // "ejected", a space, and the time.
    expect(new Set(lines.slice('ejected '.length)).size).toBe(1);
  });
});

describe('what a client misses, and the key of the map, on a telephone', () => {
  it('are read whole', async () => {
    const latency = { requirement: 'latency', level: 0.857, goal: 0.9, strain: 1.4 };
    const client = {
      clientId: 'walk-05',
      requests: 14,
      successRatio: 0.857,
      requirements: [latency],
      missed: 'latency',
    };
    const requirement = { ...latency, clientsRatio: 0, heldShare: null, price: null };
    const states = [routerStateOf({ clients: [client], requirements: [requirement] })];
    const { url } = await startAdmin(states);
    const { page } = await dashboard({ width: 360, theme: 'light' }, url);
    await page.locator('.missed', { hasText: 'latency' }).waitFor();
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('.area-clients td, .key-item')].filter(
        (one) => one.getBoundingClientRect().right > window.innerWidth - 12,
      ),
    );
    expect(cut).toHaveLength(0);
  });
});

describe('the cards of services', () => {
  it.each([390, 1280])('bring the one that is pressed into sight, %i pixels wide', async (width) => {
    const services = Array.from({ length: 12 }, (_, i) =>
      routerStateOf({ service: `cam-${i}`, instances: [instanceStateOf('pi-1')] }),
    );
    const { url } = await startAdmin(services);
    const { page } = await dashboard({ width, theme: 'light' }, url);
    const top = async () => (await page.locator('#service').boundingBox())?.y ?? Number.NaN;
    await page.setViewportSize({ width, height: 600 });
    expect(await top()).toBeGreaterThan(600);
    await page.locator('.card').nth(1).click();
    await expect.poll(top, PATIENCE).toBeLessThan(300);
    expect(await top()).toBeGreaterThan(0);
    expect(await page.locator('#service').getAttribute('aria-label')).toBe('Service cam-1');
  });

  it('leave their room to a sentence where there are none', async () => {
    const { url } = await startAdmin([]);
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    open.push(page);
    await page.goto(url);
    const sentence = page.getByText('No service is configured.');
    await sentence.waitFor();
    const { y = 0, height = 0, width = 0 } = (await sentence.boundingBox()) ?? {};
    expect(width).toBeGreaterThan(1000);
    expect((await page.locator('.area-events').boundingBox())?.y).toBeGreaterThanOrEqual(y + height);
  });
});

describe('the neighbourhood on the dashboard', () => {
  it.each(['light', 'dark'] as const)(
    'shows who helps, who is ignored and why, and all round trips, in %s',
    async (theme) => {
      const spoke = { heardAgeMs: 900, silent: false, summaries: 31, instances: 2, samples: 4.25 };
      const neighbour = { ...spoke, ignoredMs: 0, wrongOver: null };
      const heard = [
        { ...neighbour, nodeId: 'pi-8' },
        { ...neighbour, nodeId: 'pi-9', ignoredMs: 42_000, wrongOver: instanceKey({ nodeId: 'nuc-3', id: 'a' }) },
        { ...neighbour, nodeId: 'pi-6', heardAgeMs: 17_000, silent: true, samples: 0 },
      ];
      const roundTrips = [
        { nodeId: 'pi-7', ageMs: 0, rttsMs: { 'pi-8': 3.2, 'pi-9': 12 } },
        { nodeId: 'pi-8', ageMs: 900, rttsMs: { 'pi-7': 3.4, 'nuc-3': 8 } },
      ];
      const { url } = await startAdmin([routerStateOf({ neighbours: { use: true, heard } })], {
        node: () => ({
          ...STILL_NODE,
          neighbourhood: { summariesSent: 12, bytesSent: 6_144, summariesReceived: 62, roundTrips },
        }),
      });
      const { page } = await dashboard({ width: 390, theme }, url);
      const panel = page.locator('.area-neighbours');
      const cellsOf = (row: string): Promise<string[]> => panel.locator(`${row} td`).allTextContents();
      expect((await cellsOf('tr[data-neighbour=pi-8]')).slice(0, 1)).toEqual(['helps']);
      expect((await cellsOf('tr[data-neighbour=pi-6]')).slice(0, 1)).toEqual(['silent']);
      expect((await cellsOf('tr[data-neighbour=pi-9]'))[0]).toBe('ignored for 42 swrong about nuc-3/a');
      expect(await cellsOf('tr[data-from=pi-8]')).toEqual(['3.4 ms', '', '–', '8.0 ms']);
      expect(await panel.locator('.panel-aside').textContent()).toBe('12 summaries out (6.0 KiB), 62 in');
      expect(await faintTexts(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    },
  );
});

describe('the dashboard behind a token', () => {
  it('asks for it once, refuses another, and keeps no trace of it that a script could read', async () => {
    const token = 'only-for-this-test';
    const { admin, url } = await startAdmin([routerStateOf()], {
      config: { listen: { host: '127.0.0.1', port: 0 }, token },
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE.timeout);
    open.push(page);
    await page.goto(url);
    await page.locator('#token:focus').waitFor();
    await page.keyboard.type('another');
    await page.keyboard.press('Enter');
    await page.getByText('The admin token is wrong.').waitFor();
    const guess = (): Promise<Response> =>
      fetch(`${url}/api/v1/state`, { headers: { authorization: 'Bearer another' } });
    const sayAmongGuesses = async (): Promise<string | null> => {
      const guesses = Array.from({ length: 8 }, guess);
      await page.getByRole('button', { name: 'Open' }).click();
      await Promise.all(guesses);
      return page.locator('.refused').textContent();
    };
    await expect.poll(sayAmongGuesses, PATIENCE).toBe('Too many wrong tokens: wait a second.');
    await page.getByLabel('Admin token').fill(token);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('.link-live').waitFor();
    expect(await page.title()).toBe('pi-7 · qedge');
    expect(await page.evaluate(() => `${document.cookie}${JSON.stringify(localStorage)}`)).not.toContain(token);
    await page.reload();
    await page.locator('.link-live').waitFor();
    await page.close();
    await admin.close();
  });
});

describe('the simulation report', () => {
  it('sorts its policies by the column that is pressed, and fits a telephone', async () => {
    const scenario = smallScenario();
    const policies = ['round-robin', 'random', 'least-connections'];
    const results = runExperiment({ scenario, policies, seeds: [1], regret: false });
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    page.setDefaultTimeout(PATIENCE.timeout);
    open.push(page);
    await page.setContent(toHtml(scenario, results, { command: 'qedge simulate', version: '1', commit: 'a' }));
    const shown = (): Promise<string[]> => page.locator('tbody tr td:first-child').allTextContents();
    expect(await shown()).toEqual(policies);
    await page.getByRole('button', { name: 'policy' }).click();
    expect(await shown()).toEqual(policies.toSorted());
    await page.getByRole('button', { name: 'policy' }).click();
    expect(await shown()).toEqual(policies.toSorted().toReversed());
    await page.getByRole('button', { name: 'Jain' }).click();
    const jain = await page.locator('tbody tr td:nth-child(8)').allTextContents();
    expect(jain).toEqual(jain.toSorted().toReversed());
    expect(await page.locator('th[aria-sort]').textContent()).toBe('Jain');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.close();
  });
});

// The dashboard in a real browser, and what it shows, read off the page as a person would.

import { type Browser, chromium, type Page } from 'playwright-core';
import type { LiveMessage, StateDocument } from '../../src/admin/state/state.ts';
import { PATIENCE } from './patience.ts';
import { requireProgram } from './requires.ts';

export interface OpenPage {
  readonly page: Page;
  /** The last state that the page was sent; null before the first. */
  readonly lastState: () => StateDocument | null;
  /** From now on the page is sent that last state over and over. */
  readonly freeze: () => void;
  /** Console errors and requests to anywhere but the dashboard's own origin. */
  readonly complaints: readonly string[];
}

export interface ShownService {
  readonly name: string;
  readonly satisfied: string;
  readonly success: string;
}

export interface Shown {
  readonly services: readonly ShownService[];
  /** Cells of the table by instance. */
  readonly instances: Readonly<Record<string, readonly string[]>>;
  readonly clients: Readonly<Record<string, string>>;
  readonly markers: readonly string[];
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: requireProgram('chromium'), args: ['--no-sandbox', '--disable-gpu'] });
}

export interface View {
  readonly width: number;
  readonly theme: 'light' | 'dark';
  /** The page finds no WebSocket. */
  readonly withoutSocket?: boolean;
}

export async function openDashboard(browser: Browser, url: string, view: View): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width: view.width, height: 900 }, colorScheme: view.theme });
  const complaints: string[] = [];
  let state: StateDocument | null = null;
  page.on('request', (request) => {
    if (!/^data:/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) {
      complaints.push(`asked for ${request.url()}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // What a browser says of its own when a server is away is no mistake of the page.
    if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION/.test(message.text())) complaints.push(message.text());
  });
  let frozen = false;
  await page.routeWebSocket(/.*/, (socket) => {
    if (view.withoutSocket) {
      void socket.close();
      return;
    }
    socket.connectToServer().onMessage((text) => {
      const message = JSON.parse(String(text)) as LiveMessage;
      if (message.kind === 'state' && (!frozen || state === null)) state = message.state;
      socket.send(message.kind === 'state' ? JSON.stringify({ ...message, state }) : text);
    });
  });
  page.setDefaultTimeout(PATIENCE.timeout);
  await page.goto(url);
  await page.locator('.card').first().waitFor();
  const freeze = (): void => {
    frozen = true;
  };
  return { page, lastState: () => state, freeze, complaints };
}

/** When a cooldown of an instance was first drawn, and how long the machine kept page and proxy from their work. */
export interface CooldownSight {
  /** Wall clock, ms; by the page's own clock, as all times here. */
  readonly seenMs: number;
  /** What round trips from the page to the proxy and back took beyond `TURN_MS` each, from `sinceMs` on. */
  readonly stalledMs: number;
}

/** Makes the page note when a marker begins to cool, and time round trips to its proxy meanwhile. */
export async function watchCooldowns(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Record<string, number> = {};
    const turns: [number, number][] = [];
    Object.assign(window, { watched: { seen, turns } });
    const look = (): void => {
      for (const marker of document.querySelectorAll('.marker.ejected')) {
        seen[marker.getAttribute('data-instance') ?? ''] ??= Date.now();
      }
    };
    const turn = async (): Promise<void> => {
      const startMs = Date.now();
      await fetch('/healthz');
      turns.push([startMs, Date.now()]);
      window.setTimeout(() => void turn(), 20);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    void turn();
  });
}

interface Watched {
  readonly watched: {
    readonly seen: Readonly<Record<string, number>>;
    readonly turns: readonly (readonly [number, number])[];
  };
}

/** A round trip and the pause after it, on a machine that has nothing better to do. */
const TURN_MS = 50;

/** Null while the page shows no cooldown of `key`. */
export async function cooldownSight(page: Page, key: string, sinceMs: number): Promise<CooldownSight | null> {
  const { seen, turns } = await page.evaluate(() => (window as unknown as Watched).watched);
  const seenMs = seen[key];
  // The turn in which it was seen is to be over.
  if (seenMs === undefined || (turns.at(-1)?.[0] ?? 0) < seenMs) return null;
  const stalls = turns.map(([startMs, endMs], i) => {
    const beginMs = turns[i - 1]?.[1] ?? startMs;
    return Math.max(0, Math.min(endMs, seenMs) - Math.max(beginMs, sinceMs) - TURN_MS);
  });
  return { seenMs, stalledMs: stalls.reduce((sum, stall) => sum + stall, 0) };
}

/** Everything at one moment: the page draws in one go. */
export function readDashboard(page: Page): Promise<Shown> {
  return page.evaluate(() => {
    const text = (root: Element, selector: string): string => root.querySelector(selector)?.textContent?.trim() ?? '';
    const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
    return {
      services: all('.card').map((card) => ({
        name: text(card, 'strong'),
        satisfied: text(card, '[data-testid=satisfied]'),
        success: text(card, '[data-testid=success]'),
      })),
      instances: Object.fromEntries(
        all('tr[data-instance]').map((row) => [
          row.getAttribute('data-instance') ?? '',
          [...row.querySelectorAll('td')].map((cell) => cell.textContent?.trim() ?? ''),
        ]),
      ),
      clients: Object.fromEntries(
        all('tr[data-client]').map((row) => [row.getAttribute('data-client') ?? '', text(row, 'td:nth-child(3)')]),
      ),
      markers: all('.marker').map((marker) => marker.getAttribute('data-instance') ?? ''),
    };
  });
}

/** Texts that stand out too little from what they stand on (WCAG 2.2, 1.4.3): 4.5 to 1, large ones 3 to 1. */
export function faintTexts(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    type Colour = readonly [number, number, number, number];
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const colourOf = (text: string): Colour => {
      if (canvas === null) throw new Error('no canvas');
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return [red, green, blue, alpha / 255];
    };
    const over = (front: Colour, back: Colour): Colour => {
      const mix = (i: 0 | 1 | 2): number => front[i] * front[3] + back[i] * (1 - front[3]);
      return [mix(0), mix(1), mix(2), 1];
    };
    const luminance = (colour: Colour): number => {
      const linear = (i: 0 | 1 | 2): number => {
        const value = colour[i] / 255;
        return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      };
      return 0.2126 * linear(0) + 0.7152 * linear(1) + 0.0722 * linear(2);
    };
    const backOf = (element: Element): Colour => {
      const under: Colour = element.parentElement === null ? [255, 255, 255, 1] : backOf(element.parentElement);
      return over(colourOf(getComputedStyle(element).backgroundColor), under);
    };
    const hasText = (element: Element): boolean =>
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== '');
    return [...document.querySelectorAll('body *')].flatMap((element) => {
      if (!hasText(element) || element.getClientRects().length === 0) return [];
      const style = getComputedStyle(element);
      const back = backOf(element);
      const front = over(colourOf(element instanceof SVGElement ? style.fill : style.color), back);
      const [low = 0, high = 0] = [luminance(front), luminance(back)].sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      return ratio >= (large ? 3 : 4.5) ? [] : [`${ratio.toFixed(2)}: ${element.textContent?.trim()}`];
    });
  });
}

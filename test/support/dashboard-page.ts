// The dashboard in a real browser, and what it shows, read off the page as a person would.

import { type Browser, chromium, type Page } from 'playwright-core';
import type { LiveMessage, StateDocument } from '../../src/admin/state.ts';
import { requireProgram } from './requires.ts';

export interface OpenPage {
  readonly page: Page;
  /** The last state that the page was sent; null before the first. */
  readonly lastState: () => StateDocument | null;
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
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      const message = JSON.parse(String(payload)) as LiveMessage;
      if (message.kind === 'state') state = message.state;
    }),
  );
  if (view.withoutSocket) await page.routeWebSocket(/.*/, (socket) => socket.close());
  await page.goto(url);
  await page.locator('.card').first().waitFor();
  return { page, lastState: () => state, complaints };
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

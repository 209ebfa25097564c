import { describe, expect, it } from 'vitest';
import { startAdmin } from '../support/admin.ts';

describe('the dashboard files', () => {
  it('are served from source, complete, and ask for nothing elsewhere', async () => {
    const running = await startAdmin([]);
    const page = await fetch(`${running.url}/`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    for (const path of ['/dashboard.js', '/dashboard.css']) {
      expect(html).toContain(path);
      const file = await fetch(`${running.url}${path}`);
      expect(file.status).toBe(200);
      const text = await file.text();
      expect(text.length).toBeGreaterThan(1_000);
      // Namespace names of SVG look like addresses and are none.
      const outside = text.match(/https?:\/\/(?!www\.w3\.org\/)[^"'` )]+/g) ?? [];
      expect(outside).toEqual([]);
    }
  });

  it('are not sent again to browsers that have them', async () => {
    const running = await startAdmin([]);
    const etag = (await fetch(`${running.url}/`)).headers.get('etag') ?? '';
    const again = await fetch(`${running.url}/`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  it('are open without the token, since they reveal nothing, and log a browser in with it', async () => {
    const running = await startAdmin([], { config: { listen: { host: '127.0.0.1', port: 0 }, token: 's3cret' } });
    expect((await fetch(`${running.url}/`)).status).toBe(200);
    const logIn = (token: string): Promise<Response> =>
      fetch(`${running.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
    expect((await logIn('wrong')).status).toBe(401);
    const cookie = (await logIn('s3cret')).headers.get('set-cookie') ?? '';
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    const state = await fetch(`${running.url}/api/v1/state`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(state.status).toBe(200);
  });
});

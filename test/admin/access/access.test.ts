import { describe, expect, it } from 'vitest';
import { Access, type AccessRequest, SESSION_MS } from '../../../src/admin/access/access.ts';

const request = (changes: Partial<AccessRequest>): AccessRequest => ({
  method: 'GET',
  host: '127.0.0.1:9901',
  origin: null,
  secFetchSite: null,
  authorization: null,
  session: null,
  contentType: null,
  ...changes,
});

describe('access without a token', () => {
  const access = new Access(null);

  it('is open to programs on the machine', () => {
    expect(access.judge(request({}))).toEqual({ kind: 'allowed', by: 'loopback' });
    expect(access.judge(request({ host: 'localhost' }))).toMatchObject({ kind: 'allowed' });
    expect(access.judge(request({ host: '[::1]:9901' }))).toMatchObject({ kind: 'allowed' });
  });

  it('refuses a name that an attacker may have rebound to loopback', () => {
    expect(access.judge(request({ host: 'evil.example:9901' }))).toMatchObject({ kind: 'forbidden' });
    expect(access.judge(request({ host: '127.evil.example' }))).toMatchObject({ kind: 'forbidden' });
    expect(access.judge(request({ host: null }))).toMatchObject({ kind: 'forbidden' });
  });

  it('refuses other sites, by origin and by content type', () => {
    const post = { method: 'POST', contentType: 'application/json' };
    expect(access.judge(request({ ...post, origin: 'http://evil.example' }))).toMatchObject({ kind: 'forbidden' });
    expect(access.judge(request({ ...post, origin: 'null' }))).toMatchObject({ kind: 'forbidden' });
    expect(access.judge(request({ ...post, contentType: 'text/plain' }))).toEqual({ kind: 'wrong-type' });
    expect(access.judge(request({ ...post, secFetchSite: 'cross-site' }))).toMatchObject({ kind: 'forbidden' });
    expect(access.judge(request({ ...post, origin: 'http://127.0.0.1:9901' }))).toMatchObject({ kind: 'allowed' });
  });
});

describe('access with a token', () => {
  const access = new Access('s3cret');

  it('takes the token as a bearer, from anywhere', () => {
    const bearer = request({ authorization: 'Bearer s3cret', host: 'pi-7.local:9901', method: 'POST' });
    expect(access.judge(bearer)).toEqual({ kind: 'allowed', by: 'bearer' });
    expect(access.judge(request({ authorization: 'Bearer wrong' }))).toEqual({ kind: 'unauthenticated' });
    expect(access.judge(request({}))).toEqual({ kind: 'unauthenticated' });
  });

  it('gives for the token a cookie that is not the token, and takes it back', () => {
    const session = access.logIn('s3cret');
    expect(session).not.toBeNull();
    expect(session).not.toContain('s3cret');
    expect(access.logIn('wrong')).toBeNull();
    expect(access.judge(request({ session }))).toEqual({ kind: 'allowed', by: 'cookie' });
    expect(new Access('other').judge(request({ session }))).toEqual({ kind: 'unauthenticated' });
  });

  it('gives each login a session of its own, which ends with its day, or sooner', () => {
    let nowMs = 0;
    const timed = new Access('s3cret', () => nowMs);
    const [first, second] = [timed.logIn('s3cret') ?? '', timed.logIn('s3cret') ?? ''];
    expect(first).not.toBe(second);
    timed.logOut(first);
    expect(timed.judge(request({ session: first }))).toEqual({ kind: 'unauthenticated' });
    expect(timed.judge(request({ session: second }))).toEqual({ kind: 'allowed', by: 'cookie' });
    const [id, , signature] = second.split('.');
    expect(timed.judge(request({ session: `${id}.9999999999999.${signature}` }))).toEqual({ kind: 'unauthenticated' });
    nowMs = SESSION_MS;
    expect(timed.judge(request({ session: second }))).toEqual({ kind: 'unauthenticated' });
  });

  it('ends a session that began while the clock was ahead, once the clock is right', () => {
    let nowMs = 10 * SESSION_MS;
    const timed = new Access('s3cret', () => nowMs);
    const session = timed.logIn('s3cret') ?? '';
    nowMs = 1_000;
    expect(timed.judge(request({ session }))).toEqual({ kind: 'unauthenticated' });
  });

  it('does not let another site use the cookie', () => {
    const session = access.logIn('s3cret');
    expect(
      access.judge(
        request({ session, method: 'POST', origin: 'https://evil.example', contentType: 'application/json' }),
      ),
    ).toMatchObject({ kind: 'forbidden' });
  });
});

import { describe, expect, it } from 'vitest';
import { tellsError } from '../../../../../src/proxy/exchange/attempt/body/error-text.ts';

describe('a JSON text', () => {
  it.each([
    { jsonrpc: '2.0', error: { code: -32603, message: 'Internal error' }, id: 1 },
    [{ jsonrpc: '2.0', error: { code: -32000, message: 'busy' }, id: 1 }],
    { result: null, error: 'no such method', id: 3 },
    { errors: [{ message: 'out of memory', path: ['a'] }], data: null },
    { errors: [{ message: 'out of memory' }] },
    { error: { message: 'CUDA out of memory', type: 'server_error', code: 500 } },
    { error: 'model not loaded' },
    { timestamp: '2026-01-01T00:00:00Z', status: 500, error: 'Internal Server Error', path: '/infer' },
    { status: 'error', message: 'no database' },
    { ok: false, error: true },
    { error: true, message: 'out of memory' },
    { message: 'invalid', errors: { name: ['is missing'] } },
    { success: false, 'error-code': 7, Error_Message: 'x', errors: { a: 1 }, request_id: 'r' },
  ])('tells of an error and nothing else: %j', (value) => {
    expect(tellsError(value)).toBe(true);
  });

  it.each([
    { jsonrpc: '2.0', result: null, id: 1 },
    { data: { a: 1 }, errors: [{ message: 'one field is missing' }] },
    { error: null, outputs: [1] },
    { error: 0.013, iterations: 5 },
    { error: 0.013 },
    { error: '' },
    { error: true },
    { error: '0.02' },
    { error: 'none' },
    { error: 'No error', code: 0 },
    { error: [0.1, 0.02] },
    { error: { mean: 0.1, unit: 'mm' } },
    { error: { rmse: 0.1 }, message: 'evaluated' },
    { ok: true, errors: ['deprecated field'] },
    { status: 'ok', errors: [{ message: 'deprecated field' }] },
    JSON.parse('{"error": {"toString": 1, "valueOf": 2}}'),
    JSON.parse('{"ok": {"toString": 1}, "status": {"toString": 1}}'),
    { id: 'pump-3', status: 'error', timestamp: '2026-01-01T00:00:00Z' },
    { ok: false, message: 'door open' },
    { error: false },
    { errors: [] },
    { errors: {} },
    { error: 'no lane', steering: 0 },
    { status: 'ok', message: 'hello' },
    { success: false },
    { code: 0, message: 'done', id: 7 },
    { message: 'error' },
    {},
    [],
    [{ error: 'x' }, { steering: 0.1 }],
    [['error']],
    'error',
    7,
    null,
    undefined,
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`error${'-'.repeat(i)}`, 'x'])),
  ])('is an answer, at least in part: %j', (value) => {
    expect(tellsError(value)).toBe(false);
  });

  it('is read however deep it is nested', () => {
    for (const name of ['error', 'data']) {
      const text = `{"${name}":${'['.repeat(30_000)}"x"${']'.repeat(30_000)}}`;
      expect(tellsError(JSON.parse(text))).toBe(false);
    }
  });
});

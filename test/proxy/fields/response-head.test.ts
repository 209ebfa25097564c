import { expect, it } from 'vitest';
import { readResponseHead } from '../../../src/proxy/fields/response-head.ts';

it.each([
  ['qedge_session=x; Path=/', false],
  [' qedge_session =; Max-Age=0', false],
  ['qedge_session', false],
  ['session=1; Path=/qedge_session=2', true],
  ['qedge_sessions=1', true],
])('an instance sets every cookie but the session of the admin port: %s', (value, passes) => {
  expect(readResponseHead(200, ['Set-Cookie', value], true).fields).toEqual(passes ? ['Set-Cookie', value] : []);
});

// Which service a request means.

import { describe, expect, it } from 'vitest';
import { rawRequest, startInstance, startProxy } from '../../../support/proxy.ts';

describe('a service that is named by Host', () => {
  it.each(['PilotNet', 'pilotnet', 'PILOTNET.local', 'pilotnet.local:8080', 'pilotnet.', 'pilotnet.local.:80'])(
    'is found in any case of %s',
    async (host) => {
      const instance = await startInstance((_, response) => void response.end('found'));
      const { port } = await startProxy([{ name: 'PilotNet', ports: [instance.port] }]);
      const answer = await rawRequest(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(answer.body).toContain('found');
    },
  );
});

// What may surprise in a configuration that is allowed.

import { describe, expect, it } from 'vitest';
import { configNotes, descriptorLimit } from '../../src/config/notes.ts';
import { configFrom } from '../support/config.ts';

const service = (name: string, more = ''): string => `[[service]]
name = "${name}"
${more}
qos = { latency = "80ms", success = 0.9, window = "10s" }
instances = ["http://127.0.0.1:9000"]
`;

describe('the notes on a configuration', () => {
  it('name services that no Host can mean', () => {
    const config = configFrom(service('yolo.v8') + service('cam') + service('yolo.v9', 'listen = "127.0.0.1:0"'));
    expect(configNotes(config, null)).toEqual([
      expect.stringMatching(/^service\.name: no Host can name "yolo\.v8".*X-QEdge-Service/),
    ]);
  });

  it('name services that can never have an instance', () => {
    const alone = '[[service]]\nname = "a"\nqos.latency = "1s"\n';
    const announce = (service: string): string => `[[announce]]\nservice = "${service}"\nurl = "10.0.0.7:1"\n`;
    expect(configNotes(configFrom(alone), null)).toEqual([
      'service "a" can have no instances: expected instances, an [[announce]] of it, or [mqtt] or a source under [placement] to learn them from',
    ]);
    expect(configNotes(configFrom(alone + announce('a')), null)).toEqual([]);
    expect(configNotes(configFrom(`${alone}[mqtt]\nurl = "mqtt://127.0.0.1:1"\n`), null)).toEqual([]);
  });

  it('name instances that are a port of this qedge', () => {
    const proxy = '[proxy]\nlisten = "127.0.0.1:8080"\n';
    const own = service('cam').replace('127.0.0.1:9000', 'localhost:8080');
    expect(configNotes(configFrom(proxy + own), null)).toEqual([
      'service.instances of "cam": this qedge listens at localhost:8080 itself, and answers 508 what comes back to it',
    ]);
    expect(configNotes(configFrom(proxy + service('cam', 'listen = "127.0.0.1:9000"')), null)).toHaveLength(1);
    // The same port elsewhere is another program.
    expect(configNotes(configFrom(proxy + own.replace('localhost', '10.0.0.7')), null)).toEqual([]);
  });

  it('name the later form of a key', () => {
    const config = configFrom(service('cam', 'failure_status_min = 400\nadmission = "refuse"'));
    expect(configNotes(config, null)).toEqual([
      'service.failure_status_min: 400 of "cam" is deprecated: use failure.statuses',
      'service.admission: refuse of "cam" is deprecated: use infeasible',
    ]);
  });

  it('name timeouts that cut off what would be in time', () => {
    const config = configFrom(service('cam', 'timeout = "50ms"') + service('yolo', 'timeout = "80ms"'));
    expect(configNotes(config, null)).toEqual([
      'service.timeout of "cam" is 50 ms: answers between that and qos.latency, 80 ms, are not waited for, though they would be in time',
    ]);
  });

  it('name windows that are shorter than the limit', () => {
    const config = configFrom(service('cam').replace('"10s"', '"10ms"') + service('yolo').replace('"10s"', '"80ms"'));
    expect(configNotes(config, null)).toEqual([
      'service.qos.window of "cam" is 10 ms, less than qos.latency, 80 ms: little is learned, since an answer is forgotten before the next one is late',
    ]);
  });

  it('compare the connections that are allowed with the file descriptors that there are', () => {
    const config = configFrom(service('cam'));
    expect(configNotes(config, 1024)).toEqual([
      'proxy.connections_max: 4096 connections may need 8256 file descriptors, the limit is 1024 (ulimit -n, LimitNOFILE=)',
    ]);
    expect(configNotes(config, 8256)).toEqual([]);
  });

  it('leave the descriptors out where their limit cannot be read', () => {
    expect(descriptorLimit('/nowhere/limits')).toBeNull();
  });
});

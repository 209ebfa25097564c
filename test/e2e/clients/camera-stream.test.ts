// A camera that ffmpeg reads, a request a frame: the line at the top of config/clients/frames.py.
// requires: ffmpeg, python3-requests

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PYTHON, runClient } from '../../support/client-program.ts';
import { startProxy } from '../../support/proxy.ts';
import { startInstance } from '../../support/running-binary.ts';

vi.setConfig({ testTimeout: 60_000 });

describe('frames of ffmpeg', () => {
  it('become one request each', async () => {
    const instance = await startInstance('left');
    onTestFinished(() => instance.close());
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const camera = 'ffmpeg -nostdin -loglevel error -f lavfi -i testsrc=size=160x120:rate=10 -frames:v 4';
    const line = `${camera} -c:v mjpeg -f image2pipe - 2>/dev/null | "$0" frames.py "$1" pilotnet`;
    expect((await runClient('sh', ['-c', line, PYTHON, url])).lines).toEqual(Array(4).fill('200 left'));
  });
});

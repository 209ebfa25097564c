// What can be done to an instance, and what came of it.

import { useState } from 'preact/hooks';
import type { InstanceState } from '../../../core/service-router.ts';
import type { Connection } from '../connection.ts';

const EJECTION_MS = 30_000;

export interface InstanceActionsProps {
  readonly connection: Connection;
  readonly service: string;
  readonly instance: InstanceState;
}

export function InstanceActions({ connection, service, instance }: InstanceActionsProps) {
  const [said, setSaid] = useState('');
  const act = (action: string, body: object = {}): void => {
    void connection.act(service, action, { instance: instance.key, ...body }).then(setSaid);
  };
  const drained = instance.availability === 'draining';
  return (
    <div class="actions">
      {drained ? (
        <button type="button" class="plain" onClick={() => act('resume')}>
          Resume
        </button>
      ) : (
        <button
          type="button"
          class="plain"
          onClick={() => act('drain')}
          title="Send it nothing new until it is resumed"
        >
          Drain
        </button>
      )}
      {!drained && (
        <button type="button" class="plain" onClick={() => act('eject', { durationMs: EJECTION_MS })}>
          Eject for {EJECTION_MS / 1000} s
        </button>
      )}
      <span class="quiet" role="status">
        {said}
      </span>
    </div>
  );
}

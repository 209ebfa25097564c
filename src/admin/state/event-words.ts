// Events in words: one sentence each, the same in the API, the dashboard and the command line.

import { assertNever } from '../../core/assert.ts';
import { reasonsText } from '../../core/standing.ts';
import type { EventDocument, QedgeEvent, QedgeEventEntry } from './state.ts';

type Words = Pick<EventDocument, 'subject' | 'message' | 'severity'>;

/** An event as one sentence, with the level and the subject that it is shown with. */
export function describeEvent(entry: QedgeEventEntry): EventDocument {
  return {
    sequence: entry.sequence,
    time: new Date(entry.wallMs).toISOString(),
    service: entry.service,
    kind: entry.event.kind,
    ...wordsOf(entry.event, entry.clockMs),
  };
}

function wordsOf(event: QedgeEvent, clockMs: number): Words {
  switch (event.kind) {
    case 'ejected':
      return warning(event.key, `ejected for ${seconds(event.untilMs - clockMs)}: ${event.reason}`);
    case 'exploration-reset':
      return notice(null, `explores again: ${percent(event.successRatio)} of requests succeeded over the window`);
    case 'panic':
      return event.on
        ? warning(null, 'more than half of the instances are ejected: traffic goes to all that may still answer')
        : notice(null, 'enough instances are back: normal routing');
    case 'instance-added':
      return info(event.key, 'joined');
    case 'instance-removed':
      return info(event.key, 'left');
    case 'instance-refused':
      return warning(event.key, 'was refused: the service has reached its maximum of instances');
    case 'instance-availability':
      return event.availability === 'up'
        ? info(event.key, 'takes traffic again')
        : notice(event.key, `is ${event.availability}`);
    case 'instance-failing':
      return warning(event.key, `began to fail: ${reasonsText(event.reasons)}`);
    case 'instance-well':
      return info(event.key, 'succeeds again');
    case 'neighbour-ignored': {
      const reason = `what it says of ${event.key} is not what is seen here`;
      return warning(event.nodeId, `is ignored as a neighbour for ${seconds(event.untilMs - clockMs)}: ${reason}`);
    }
    case 'rtt-step':
      return notice(event.nodeId, `network round trip changed from ${ms(event.fromMs)} to ${ms(event.toMs)}`);
    case 'broker':
      return event.connected
        ? info(null, `connected to the broker at ${event.url}`)
        : warning(null, `lost the broker at ${event.url}: ${event.reason}`);
    case 'store':
      return event.ok
        ? info(null, 'writes to the store succeed again')
        : warning(null, `the store failed: ${event.reason}`);
    case 'lifecycle':
      return (event.phase === 'reload refused' ? warning : info)(
        null,
        event.detail === '' ? event.phase : `${event.phase}: ${event.detail}`,
      );
    case 'action':
      return notice(event.target, `${event.action} (asked by ${event.by})`);
    default:
      return assertNever(event);
  }
}

const info = (subject: string | null, message: string): Words => ({ subject, message, severity: 'info' });
const notice = (subject: string | null, message: string): Words => ({ subject, message, severity: 'notice' });
const warning = (subject: string | null, message: string): Words => ({ subject, message, severity: 'warning' });

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const seconds = (valueMs: number): string => `${(Math.max(0, valueMs) / 1000).toFixed(1)} s`;
const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

// What happened, newest first; warnings are spoken as they come, one at a time.

import { useState } from 'preact/hooks';
import { clockTime } from '../format.ts';
import type { PageEvent } from '../model.ts';
import { Panel } from './panel.tsx';

export interface EventsProps {
  readonly events: readonly PageEvent[];
  readonly services: readonly string[];
}

const SHOWN_MAX = 150;

/** The last events, the newest first. */
export function Events({ events, services }: EventsProps) {
  const [filter, setFilter] = useState('');
  const shown = events.filter((event) => matches(event, filter)).slice(0, SHOWN_MAX);
  const warning = events.find((event) => event.severity === 'warning');
  return (
    <Panel title="Events" area="events" aside={<Filter services={services} value={filter} onChange={setFilter} />}>
      <p class="sr" aria-live="polite">
        {warning === undefined ? '' : sentence(warning)}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <ol class="events" tabIndex={0} aria-label="Events, newest first">
        {shown.map((event) => (
          <li key={event.id} class={`event event-${event.severity}`} data-kind={event.kind}>
            <time dateTime={event.time}>{clockTime(Date.parse(event.time))}</time>
            <i class="dot" aria-hidden="true" />
            <span>
              {event.subject !== null && <b>{event.subject}</b>} {event.message}
              {event.service !== null && filter !== event.service && <span class="quiet"> · {event.service}</span>}
            </span>
          </li>
        ))}
      </ol>
      {shown.length === 0 && <p class="empty">Nothing has happened yet.</p>}
    </Panel>
  );
}

const matches = (event: PageEvent, filter: string): boolean =>
  filter === '' || (filter === '!' ? event.severity === 'warning' : event.service === filter);

const sentence = (event: PageEvent): string => `${event.subject ?? event.service ?? ''} ${event.message}`;

interface FilterProps {
  readonly services: readonly string[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Filter({ services, value, onChange }: FilterProps) {
  return (
    <label class="filter">
      <span class="sr">Show</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">Everything</option>
        <option value="!">Warnings</option>
        {services.map((service) => (
          <option key={service} value={service}>
            {service}
          </option>
        ))}
      </select>
    </label>
  );
}

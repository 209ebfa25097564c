// A service as a table: every number behind the picture. Sorted by name until a heading is pressed, so that rows stay
// where the eye left them; where there are too many for that, those that matter first and the others on demand.

import { useState } from 'preact/hooks';
import type { InstanceState, RouterState } from '../../../core/service-router.ts';
import { poolsText, reasonsText, seenSuccess, standingOf } from '../../../core/standing.ts';
import { successColour } from '../colours.ts';
import { count, milliseconds, percent, perSecond } from '../format.ts';
import { Panel } from './panel.tsx';

export interface InstanceTableProps {
  readonly service: RouterState;
  readonly chosen: string;
  readonly onChoose: (key: string) => void;
  readonly colourOf: (key: string) => string;
}

interface Column {
  readonly title: string;
  /** Low ones leave first when the page is narrow. */
  readonly priority: 1 | 2 | 3;
  readonly value: (instance: InstanceState) => number | string;
}

const COLUMNS: readonly Column[] = [
  { title: 'Instance', priority: 1, value: (one) => one.key },
  { title: 'Standing', priority: 1, value: (one) => standingOf(one).word },
  { title: 'Weight', priority: 1, value: (one) => one.weight },
  { title: 'Success', priority: 1, value: (one) => seenSuccess(one) ?? -1 },
  { title: 'Distance', priority: 2, value: (one) => one.rttMs },
  { title: 'Processing', priority: 2, value: (one) => one.processingMs ?? -1 },
  { title: 'In flight', priority: 2, value: (one) => one.inFlight },
  { title: 'Requests/s', priority: 3, value: (one) => one.requestsPerSecond },
  { title: 'Samples', priority: 3, value: (one) => one.samples },
  { title: 'Failures', priority: 3, value: (one) => one.failures },
  { title: 'From', priority: 3, value: (one) => one.instance.source ?? '' },
];

interface Order {
  readonly column: number;
  readonly descending: boolean;
}

const BY_NAME: Order = { column: 0, descending: false };
const BY_WEIGHT: Order = { column: 2, descending: true };
const FEW = 20;
/** Fewer than this are always shown. */
const REST_MIN = 4;

/** A row an instance, to choose from. */
export function InstanceTable({ service, chosen, onChoose, colourOf }: InstanceTableProps) {
  const foldable = service.instances.length >= FEW + REST_MIN;
  const [wanted, setOrder] = useState<Order | null>(null);
  const [all, setAll] = useState(false);
  const order = wanted ?? (foldable ? BY_WEIGHT : BY_NAME);
  const inOrder = sorted(service.instances, order);
  const shown = all || !foldable ? inOrder : inOrder.filter(({ key }, i) => i < FEW || key === chosen);
  const weightMax = Math.max(...service.instances.map((one) => one.weight), 0.01);
  return (
    <Panel title="Instances" area="instances" aside={<span class="quiet">{poolsText(service.instances)}</span>}>
      <div class="scroll">
        <table class="instances" aria-labelledby="panel-instances">
          <thead>
            <tr>
              {COLUMNS.map((column, i) => (
                <Heading key={column.title} column={column} index={i} order={order} onOrder={setOrder} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((instance) => (
              <Row
                key={instance.key}
                instance={instance}
                service={service}
                weightMax={weightMax}
                colour={colourOf(instance.key)}
                chosen={instance.key === chosen}
                onChoose={onChoose}
              />
            ))}
          </tbody>
        </table>
      </div>
      {foldable && (
        <button type="button" class="ghost more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show the first ${FEW} only` : `Show all ${service.instances.length}`}
        </button>
      )}
      {service.instances.length === 0 && <p class="empty">No instance is known: requests get 503 no-instance.</p>}
    </Panel>
  );
}

interface HeadingProps {
  readonly column: Column;
  readonly index: number;
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
}

function Heading({ column, index, order, onOrder }: HeadingProps) {
  const active = order.column === index;
  const sort = active ? (order.descending ? 'descending' : 'ascending') : undefined;
  return (
    <th scope="col" class={`p${column.priority}`} aria-sort={sort}>
      <button
        type="button"
        onClick={() => onOrder({ column: index, descending: active ? !order.descending : index > 1 })}
      >
        {column.title}
        <span aria-hidden="true">{active ? (order.descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

interface RowProps {
  readonly instance: InstanceState;
  readonly service: RouterState;
  readonly weightMax: number;
  readonly colour: string;
  readonly chosen: boolean;
  readonly onChoose: (key: string) => void;
}

function Row({ instance, service, weightMax, colour, chosen, onChoose }: RowProps) {
  const standing = standingOf(instance);
  return (
    <tr class={chosen ? 'chosen' : ''} data-instance={instance.key} onClick={() => onChoose(instance.key)}>
      <th scope="row">
        <i class="swatch" style={{ background: colour }} aria-hidden="true" />
        <button type="button" aria-pressed={chosen} onClick={() => onChoose(instance.key)}>
          <Name instance={instance} />
        </button>
        {instance.local && <span class="tag">local</span>}
      </th>
      <td title={instance.note}>
        <span class={`standing standing-${standing.kind}`}>{standing.word}</span>
        {instance.failing && <small class="held">{reasonsText(instance.reasons.slice(0, 1))}</small>}
      </td>
      <td class="num weight">
        <span class="bar" aria-hidden="true">
          <i style={{ width: `${(instance.weight / weightMax) * 100}%`, background: colour }} />
        </span>
        {percent(instance.weight, 1)}
      </td>
      <td class="num">
        <i
          class="dot"
          style={{ background: successColour(seenSuccess(instance), service.qos.successRatio) }}
          aria-hidden="true"
        />
        {percent(seenSuccess(instance), 1)}
      </td>
      <td class="num p2">{instance.rttKnown ? milliseconds(instance.rttMs) : `~${milliseconds(instance.rttMs)}`}</td>
      <td class="num p2">{milliseconds(instance.processingMs)}</td>
      <td class="num p2">{instance.inFlight}</td>
      <td class="num p3">{perSecond(instance.requestsPerSecond)}</td>
      <td class="num p3">{count(instance.samples)}</td>
      <td class="num p3">{count(instance.failures)}</td>
      <td class="p3">{instance.instance.source}</td>
    </tr>
  );
}

/** May break after the node's name where room is short. */
function Name({ instance: { instance } }: { readonly instance: InstanceState }) {
  return (
    <>
      {instance.nodeId}/<wbr />
      {instance.id}
    </>
  );
}

function sorted(instances: readonly InstanceState[], order: Order): readonly InstanceState[] {
  const value = COLUMNS[order.column]?.value ?? ((one: InstanceState) => one.key);
  const sign = order.descending ? -1 : 1;
  return [...instances].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    return left < right ? -sign : left > right ? sign : a.key < b.key ? -1 : 1;
  });
}

// A service as a picture: how far each instance is against how long it takes. Below the diagonal a request meets the
// limit; the marker's area is the weight, its colour the success probability, a dashed ring an ejection.

import { useRef } from 'preact/hooks';
import type { InstanceState, RouterState } from '../../../core/service-router.ts';
import { cooldownText, seenSuccess, standingOf } from '../../../core/standing.ts';
import { successColour } from '../colours.ts';
import { milliseconds, percent } from '../format.ts';
import { shortNames } from '../names.ts';
import { type Frame, type LabelPlace, placeLabels, type Spot } from './label-layout.ts';
import { Panel } from './panel.tsx';
import { useSize } from './size.ts';

export interface InstanceMapProps {
  readonly service: RouterState;
  readonly chosen: string;
  readonly onChoose: (key: string) => void;
}

/** More names than these hide one another: at most, and for a picture's width in px. */
const NAMES_MAX = 12;
const WIDTH_PER_NAME = 55;
const NO_SPOT: Spot = { ring: 0, turn: 0 };
/** Above, the largest marker has room at the end of its axis. */
const MARGIN = { top: 32, right: 18, bottom: 34, left: 50 };
/** From the axes to 0: what is near or fast has a marker too, and the axes' numbers stay readable beside it. */
const INSET = { x: 24, y: 18 };

/** Each instance by its round trip and its processing latency, ms, beside the limit. */
export function InstanceMap({ service, chosen, onChoose }: InstanceMapProps) {
  const [ref, { width, height }] = useSize<HTMLElement>();
  const scale = scaleOf(service, width, height);
  const limitMs = service.qos.latencyMs;
  const nameOf = shortNames(service.instances.map(({ key }) => key));
  const spots = useRef<ReadonlyMap<string, Spot>>(new Map());
  const markers = markersOf(service, scale, { nameOf, chosen, before: spots.current });
  spots.current = new Map(markers.map(({ instance, label }) => [instance.key, label?.spot ?? NO_SPOT]));
  return (
    <Panel title="Distance and speed" area="map" aside={<Key limitMs={limitMs} />}>
      <figure class="picture" ref={ref} aria-label="Instances by network distance and processing latency">
        <svg width={width} height={height} role="presentation">
          <path
            class="feasible"
            d={`M${scale.x(0)} ${scale.y(limitMs)}L${scale.x(limitMs)} ${scale.y(0)}L${scale.x(0)} ${scale.y(0)}Z`}
          />
          <Axes scale={scale} width={width} height={height} />
          <line class="limit" x1={scale.x(0)} y1={scale.y(limitMs)} x2={scale.x(limitMs)} y2={scale.y(0)} />
          {markers.map((marker) => (
            <MapMarker
              key={marker.instance.key}
              marker={marker}
              target={service.qos.successRatio}
              chosen={marker.instance.key === chosen}
              onChoose={onChoose}
            />
          ))}
        </svg>
      </figure>
    </Panel>
  );
}

interface Scale {
  readonly x: (rttMs: number) => number;
  readonly y: (processingMs: number) => number;
  readonly endMs: { readonly x: number; readonly y: number };
  readonly frame: Frame;
}

/** Both axes reach at least the limit, so that the diagonal is always seen; far outliers stop at 1.6 limits. */
function scaleOf(service: RouterState, width: number, height: number): Scale {
  const limitMs = service.qos.latencyMs;
  const endOf = (values: readonly number[]): number => Math.min(limitMs * 1.6, Math.max(limitMs, ...values) * 1.06);
  const endMs = {
    x: endOf(service.instances.map((one) => one.rttMs)),
    y: endOf(service.instances.map((one) => one.processingMs ?? 0)),
  };
  const origin = { x: MARGIN.left + INSET.x, y: height - MARGIN.bottom - INSET.y };
  const innerWidth = width - MARGIN.right - origin.x;
  const innerHeight = origin.y - MARGIN.top;
  const x = (ms: number): number => origin.x + (Math.min(ms, endMs.x) / endMs.x) * innerWidth;
  const y = (ms: number): number => origin.y - (Math.min(ms, endMs.y) / endMs.y) * innerHeight;
  const frame = { left: MARGIN.left, right: width - 4, top: 2, bottom: height - MARGIN.bottom };
  return { endMs, x, y, frame };
}

function radiusOf({ cooldownMs, weight }: InstanceState): number {
  return Math.max(cooldownMs > 0 ? 8 : 0, 5 + 24 * Math.sqrt(weight));
}

interface Marker {
  readonly instance: InstanceState;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Null where only the pointer or the focus brings the name out: all of them could not be read. */
  readonly label: LabelPlace | null;
}

interface Naming {
  readonly nameOf: (key: string) => string;
  readonly chosen: string;
  /** Where the labels stood in the last picture. */
  readonly before: ReadonlyMap<string, Spot>;
}

function markersOf(service: RouterState, scale: Scale, { nameOf, chosen, before }: Naming): readonly Marker[] {
  const isNamed = mostInformative(service.instances, chosen, scale.frame.right);
  const placed = service.instances.map((instance) => ({
    instance,
    name: nameOf(instance.key),
    x: scale.x(instance.rttMs),
    y: scale.y(instance.processingMs ?? 0),
    radius: radiusOf(instance),
  }));
  // Always in the same order: a marker that moved within the document would lose the keyboard's focus.
  placed.sort((a, b) => (a.instance.key < b.instance.key ? -1 : 1));
  const named = placed.filter(({ instance }) => isNamed(instance.key));
  const labels = placeLabels(
    named.map(({ x, y, radius, name, instance }) => ({
      x,
      y,
      radius,
      text: labelOf(name, instance),
      before: before.get(instance.key) ?? null,
    })),
    scale.frame,
  );
  const labelOfKey = new Map(named.map(({ instance }, i) => [instance.key, labels[i] ?? null]));
  return placed.map((marker) => ({ ...marker, label: labelOfKey.get(marker.instance.key) ?? null }));
}

/** The chosen one, ejected ones and the heaviest get a name, as many as can be read. */
function mostInformative(instances: readonly InstanceState[], chosen: string, width: number): (key: string) => boolean {
  const namesMax = Math.min(NAMES_MAX, Math.round(width / WIDTH_PER_NAME));
  const rank = ({ key, cooldownMs, weight }: InstanceState): number =>
    (key === chosen ? 2 : 0) + (cooldownMs > 0 ? 1 : 0) + weight;
  const first = instances.toSorted((a, b) => rank(b) - rank(a) || (a.key < b.key ? -1 : 1)).slice(0, namesMax);
  const keys = new Set(first.map(({ key }) => key));
  return (key) => keys.has(key);
}

/** A hundred markers are one stop of the Tab key, the chosen one; arrows go from there. */
const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function focusBeside(marker: SVGElement, step: number): void {
  const all = [...(marker.ownerSVGElement?.querySelectorAll<SVGElement>('.marker') ?? [])];
  all.at((all.indexOf(marker) + step) % all.length)?.focus();
}

interface MapMarkerProps {
  readonly marker: Marker;
  readonly target: number;
  readonly chosen: boolean;
  readonly onChoose: (key: string) => void;
}

function MapMarker({ marker, target, chosen, onChoose }: MapMarkerProps) {
  const { instance, name, x, y, radius, label } = marker;
  const colour = successColour(seenSuccess(instance), target);
  const ejected = instance.cooldownMs > 0;
  const classes = [
    'marker',
    chosen ? 'chosen' : '',
    ejected ? 'ejected' : '',
    instance.processingMs === null ? 'unmeasured' : '',
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a marker inside a drawing cannot be a button element
    <g
      class={classes.join(' ')}
      role="button"
      tabindex={chosen ? 0 : -1}
      aria-pressed={chosen}
      aria-label={describe(instance)}
      data-instance={instance.key}
      onClick={() => onChoose(instance.key)}
      onKeyDown={(event) => {
        const step = STEPS[event.key];
        if (step === undefined && event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        if (step === undefined) onChoose(instance.key);
        else focusBeside(event.currentTarget, step);
      }}
    >
      <title>{describe(instance)}</title>
      <g class="marker-body" style={{ transform: `translate(${x}px, ${y}px)` }}>
        <circle class="hit" r={Math.max(14, radius + 4)} />
        <circle class="halo" r={radius + 4} />
        <circle class="disc" r={radius} style={{ fill: ejected ? 'transparent' : colour, stroke: colour }} />
      </g>
      {label !== null && label.leaderX !== null && <line class="leader" {...leaderOf(marker, label)} />}
      <text
        class={label === null ? 'on-demand' : ''}
        style={{ transform: `translate(${label?.labelX ?? x + radius + 6}px, ${label?.labelY ?? y + 4}px)` }}
      >
        {name}
        {ejected && <tspan class="ejected-text"> {cooldownText(instance.cooldownMs)}</tspan>}
      </text>
    </g>
  );
}

/** From the marker's edge to its label. */
function leaderOf({ x, y, radius }: Marker, label: LabelPlace): { x1: number; y1: number; x2: number; y2: number } {
  const x2 = label.leaderX ?? label.labelX;
  const y2 = label.labelY - 4;
  const share = Math.min(1, radius / Math.max(1, Math.hypot(x2 - x, y2 - y)));
  return { x1: x + share * (x2 - x), y1: y + share * (y2 - y), x2, y2 };
}

function labelOf(name: string, { cooldownMs }: InstanceState): string {
  return cooldownMs > 0 ? `${name} ${cooldownText(cooldownMs)}` : name;
}

function describe(instance: InstanceState): string {
  return [
    `${instance.key}, ${standingOf(instance).word}`,
    `distance ${instance.rttKnown ? milliseconds(instance.rttMs) : 'unknown'}`,
    `processing ${instance.processingMs === null ? 'unknown' : milliseconds(instance.processingMs)}`,
    `weight ${percent(instance.weight, 1)}`,
    `success ${percent(seenSuccess(instance), 1)}`,
  ].join(', ');
}

function Axes({ scale, width, height }: { readonly scale: Scale; readonly width: number; readonly height: number }) {
  const bottom = height - MARGIN.bottom;
  return (
    <g class="axes">
      {ticks(scale.endMs.x, width / 90).map((tick) => (
        <g key={`x${tick}`}>
          <line x1={scale.x(tick)} x2={scale.x(tick)} y1={MARGIN.top} y2={bottom} />
          <text x={scale.x(tick)} y={bottom + 14} text-anchor="middle">
            {tick}
          </text>
        </g>
      ))}
      {ticks(scale.endMs.y, height / 60).map((tick) => (
        <g key={`y${tick}`}>
          <line x1={MARGIN.left} x2={width - MARGIN.right} y1={scale.y(tick)} y2={scale.y(tick)} />
          <text x={MARGIN.left - 8} y={scale.y(tick) + 4} text-anchor="end">
            {tick}
          </text>
        </g>
      ))}
      <text class="axis-name" x={width - MARGIN.right} y={height - 4} text-anchor="end">
        network round trip, ms
      </text>
      <text class="axis-name" transform={`translate(11 ${MARGIN.top}) rotate(-90)`} text-anchor="end">
        processing, ms
      </text>
    </g>
  );
}

/** Round values from 0 to `end`, about `wanted` of them. */
function ticks(end: number, wanted: number): readonly number[] {
  const rough = end / Math.max(2, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => Math.round(i * step * 1000) / 1000);
}

/** The limit is named here: within the picture its name would stand in the way of an instance's. */
function Key({ limitMs }: { readonly limitMs: number }) {
  return (
    <span class="key" aria-hidden="true">
      <span class="key-item">
        <i class="key-limit" /> {milliseconds(limitMs)} limit
      </span>
      <span class="key-item">
        <i class="key-size" /> weight
      </span>
      <span class="key-item">
        <i class="key-ramp" /> success
      </span>
      <span class="key-item">
        <i class="key-ring" /> ejected
      </span>
    </span>
  );
}

// How a family of metrics is written: Prometheus text 0.0.4 and OpenMetrics 1.0, which differ in little.

export interface FamilyHead {
  readonly kind: string;
  readonly options: { readonly name: string; readonly help: string };
}

/** Lines of a part: some tens of KiB, a millisecond or so. */
const PART_LINES = 256;

/** The family in parts, so that none takes long to make. `lines`: its samples. */
export function* familyText(
  { kind, options }: FamilyHead,
  lines: Iterable<string>,
  openMetrics: boolean,
): Iterable<string> {
  const { name, help } = options;
  // OpenMetrics names the family of a counter without the suffix that its sample carries.
  const familyName = openMetrics && kind === 'counter' ? name.replace(/_total$/, '') : name;
  let part = [
    `# HELP ${familyName} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${familyName} ${kind}`,
  ];
  for (const line of lines) {
    if (part.push(line) < PART_LINES) continue;
    yield `${part.join('\n')}\n`;
    part = [];
  }
  if (part.length > 0) yield `${part.join('\n')}\n`;
}

/** `name="value"` for each label. */
export function pairsOf(labels: readonly string[], values: readonly string[]): string[] {
  return labels.map((label, i) => `${label}="${escapeLabel(values[i] ?? '')}"`);
}

export function lineOf(name: string, pairs: readonly string[], value: number): string {
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${formatNumber(value)}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return Number.isNaN(value) ? 'NaN' : String(value);
}

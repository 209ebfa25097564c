// Options of a policy: declared once with kind, default and bounds; read from what a person wrote, with every problem
// collected for the config layer to place.

/** An option with kind, default and bounds. */
export type OptionSpec =
  /** Written `"500ms"`, `"5s"`, `"1m"`; read as milliseconds. */
  | {
      readonly kind: 'duration';
      readonly defaultMs: number;
      readonly minMs: number;
      readonly maxMs: number;
      readonly about: string;
    }
  | {
      readonly kind: 'number';
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly about: string;
    }
  | {
      readonly kind: 'integer';
      readonly default: number;
      readonly min: number;
      readonly max: number;
      readonly about: string;
    }
  | {
      readonly kind: 'choice';
      readonly default: string;
      readonly choices: readonly string[];
      readonly about: string;
    }
  | {
      readonly kind: 'boolean';
      readonly default: boolean;
      readonly about: string;
      /** Switches a part of the policy off to show what it earns: the simulator takes it, a service does not. */
      readonly study?: true;
    };

/** What a policy is chosen for: to route requests, or to be compared in the simulator. */
export type Purpose = 'service' | 'study';

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of a table of options: durations in ms. */
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { readonly kind: 'boolean' }
    ? boolean
    : Specs[Name] extends { readonly kind: 'choice' }
      ? string
      : number;
};

/** One thing wrong with a policy's name or options; `path` is relative to the policy table, such as `policy.step`. */
export interface PolicyProblem {
  readonly path: string;
  readonly message: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Values with every default filled in; a value that is wrong is reported and replaced by its default. */
export function readOptions<Specs extends OptionSpecs>(
  specs: Specs,
  raw: Readonly<Record<string, unknown>>,
): { readonly values: OptionValues<Specs>; readonly problems: PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(specs, name)) problems.push({ path: name, message: unknownOption(name, specs) });
  }
  const values: Record<string, number | boolean | string> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const given = Object.hasOwn(raw, name) ? raw[name] : undefined;
    const value = given === undefined ? defaultOf(spec) : readOption(spec, given);
    if (value === null)
      problems.push({ path: name, message: `expected ${expectation(spec)}, got ${JSON.stringify(given)}` });
    values[name] = value ?? defaultOf(spec);
  }
  // Every name of `specs` was filled in above with the type its kind demands.
  return { values: values as OptionValues<Specs>, problems };
}

/** Whether it is a switch for studies. */
export function isStudySwitch(spec: OptionSpec | undefined): boolean {
  return spec?.kind === 'boolean' && spec.study === true;
}

/** One for each switch for studies that a person wrote for a service. */
export function studyProblems(specs: OptionSpecs, raw: Readonly<Record<string, unknown>>): PolicyProblem[] {
  return Object.keys(raw)
    .filter((name) => Object.hasOwn(specs, name) && isStudySwitch(specs[name]))
    .map((path) => ({ path, message: STUDY_ONLY }));
}

const STUDY_ONLY =
  'a switch for studies, which only scenario files, `simulate` and `decisions replay` take: leave it out';

/** As it is written in a configuration: `"500ms"`, `3`, `true`. */
export function defaultText(spec: OptionSpec): string {
  if (spec.kind === 'duration') return `"${formatDuration(spec.defaultMs)}"`;
  return spec.kind === 'choice' ? `"${spec.default}"` : String(spec.default);
}

/** What may be written instead; empty where there are only two values. */
export function rangeText(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'boolean':
      return '';
    case 'choice':
      return spec.choices.map((choice) => `"${choice}"`).join(', ');
    case 'duration':
      return `"${formatDuration(spec.minMs)}" to "${formatDuration(spec.maxMs)}"`;
    case 'integer':
    case 'number':
      return `${spec.min} to ${spec.max}`;
  }
}

function defaultOf(spec: OptionSpec): number | boolean | string {
  return spec.kind === 'duration' ? spec.defaultMs : spec.default;
}

/** The value as the policy sees it; null when it is of the wrong kind or out of bounds. */
function readOption(spec: OptionSpec, given: unknown): number | boolean | string | null {
  switch (spec.kind) {
    case 'boolean':
      return typeof given === 'boolean' ? given : null;
    case 'choice':
      return typeof given === 'string' && spec.choices.includes(given) ? given : null;
    case 'duration':
      return within(parseDurationMs(given), spec.minMs, spec.maxMs);
    case 'integer':
      return Number.isInteger(given) ? within(given, spec.min, spec.max) : null;
    case 'number':
      return within(given, spec.min, spec.max);
  }
}

function within(value: unknown, min: number, max: number): number | null {
  return typeof value === 'number' && value >= min && value <= max ? value : null;
}

function parseDurationMs(given: unknown): number | null {
  const match = typeof given === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given) : null;
  return match === null ? null : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? Number.NaN);
}

function expectation(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${spec.choices.join(', ')}`;
    case 'duration':
      return `a duration such as "${formatDuration(spec.defaultMs)}" from "${formatDuration(spec.minMs)}" to "${formatDuration(spec.maxMs)}"`;
    case 'integer':
      return `a whole number from ${spec.min} to ${spec.max}`;
    case 'number':
      return `a number from ${spec.min} to ${spec.max}`;
  }
}

function formatDuration(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function unknownOption(name: string, specs: OptionSpecs): string {
  const known = Object.keys(specs).filter((one) => !isStudySwitch(specs[one]));
  const choice = known.length === 0 ? 'this policy takes none' : `expected one of ${known.join(', ')}`;
  return `unknown option ${JSON.stringify(name)}, ${choice}`;
}

// Signals that come before they can be acted on: kept, instead of ending the process as they would by themselves.

/** Signals that are kept. */
export interface HeldSignals {
  /** Has those that came happen again, once each. */
  release(): void;
}

let held: HeldSignals | null = null;

/** Keeps the signals of a service from the first call on; later calls return what the first one did. */
export function holdServiceSignals(): HeldSignals {
  held ??= holdSignals(['SIGHUP', 'SIGUSR2']);
  return held;
}

/** From now until `release`, which has those that came happen again, once each. */
export function holdSignals(names: readonly NodeJS.Signals[]): HeldSignals {
  const came = new Set<NodeJS.Signals>();
  const hold = (name: NodeJS.Signals): void => void came.add(name);
  for (const name of names) process.on(name, hold);
  return {
    release() {
      for (const name of names) process.off(name, hold);
      for (const name of came) process.emit(name, name);
    },
  };
}

// Signals that come before they can be acted on: kept, instead of ending the process as they would by themselves.

/** From now until `release`, which has those that came happen again, once each. */
export function holdSignals(names: readonly NodeJS.Signals[]): { release(): void } {
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

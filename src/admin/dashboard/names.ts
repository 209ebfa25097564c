// What an instance is called where room is short: its node, as long as no other of those shown beside it runs there.

/** `pi-7/a` → `pi-7`, or as it is where `pi-7/b` is shown, too. What is not among `keys` stays as it is. */
export function shortNames(keys: readonly string[]): (key: string) => string {
  const perNode = new Map<string, number>();
  for (const key of keys) perNode.set(nodeOf(key), (perNode.get(nodeOf(key)) ?? 0) + 1);
  const names = new Map(keys.map((key) => [key, perNode.get(nodeOf(key)) === 1 ? nodeOf(key) : key]));
  return (key) => names.get(key) ?? key;
}

/** Node ids have no slash: each is a level of an MQTT topic. */
const nodeOf = (key: string): string => key.split('/', 1)[0] ?? key;

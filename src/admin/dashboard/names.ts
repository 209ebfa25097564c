// What an instance is called where room is short: its node, as long as no other instance of the service runs there.

export interface Named {
  readonly key: string;
  readonly instance: { readonly nodeId: string };
}

/** `pi-7/a` → `pi-7`, or as it is where `pi-7/b` serves too; keys it was not told of stay as they are. */
export function shortNames(instances: readonly Named[]): (key: string) => string {
  const perNode = new Map<string, number>();
  for (const { instance } of instances) perNode.set(instance.nodeId, (perNode.get(instance.nodeId) ?? 0) + 1);
  const names = new Map(
    instances.map(({ key, instance: { nodeId } }) => [key, perNode.get(nodeId) === 1 ? nodeId : key]),
  );
  return (key) => names.get(key) ?? key;
}

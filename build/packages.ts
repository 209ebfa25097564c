// Which npm packages a bundle is made of.

/** Names of the packages among the files that esbuild read, sorted. */
export function packagesOf(inputs: readonly string[]): readonly string[] {
  const names = inputs.map((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

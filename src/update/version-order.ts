// Which of two versions is the newer one, after Semantic Versioning 2.0.0, clause 11.

const SEMVER = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Whether the text is a version as semver.org has it. */
export const isVersion = (text: string): boolean => SEMVER.test(text);

/** Negative when `a` is older than `b`, 0 when neither is, positive when newer. Throws on what is no version. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  const numbers = left.numbers
    .map((number, i) => number - (right.numbers[i] ?? 0))
    .find((difference) => difference !== 0);
  return numbers ?? comparePrereleases(left.prerelease, right.prerelease);
}

function parse(text: string) {
  const match = SEMVER.exec(text);
  if (match === null) throw new Error(`expected a version such as 1.2.3, got ${JSON.stringify(text)}`);
  return { numbers: match.slice(1, 4).map(Number), prerelease: match[4]?.split('.') ?? [] };
}

/** A version with a prerelease comes before the one without; field by field otherwise. */
function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = compareFields(a[i], b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareFields(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return Number(a) - Number(b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

// A share as a bar, with a tick where the target is.

import { successColour } from '../colours.ts';

/** `ratio` and `target` in [0, 1]; null: there is nothing to show yet. */
export function TargetBar({ ratio, target }: { readonly ratio: number | null; readonly target: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <i style={{ width: `${(ratio ?? 0) * 100}%`, background: successColour(ratio, target) }} />
      <u style={{ left: `${target * 100}%` }} />
    </span>
  );
}

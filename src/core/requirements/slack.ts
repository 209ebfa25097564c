// What the objective may spend: only the room that all requirements leave.

/** Up to this share of what a measured requirement allows may be used up before the objective gives way to it. */
const STRAIN_EASY = 0.8;

export interface Measured {
  /** Success of all requests over about the window; NaN before the first. */
  readonly success: number;
  /** The greatest strain of the measured requirements: the share that is used up of what one allows. */
  readonly strain: number;
}

export interface Room {
  /** ρ. */
  readonly successRatio: number;
  /** How far above ρ success has to be before anything is spent. */
  readonly keepRatio: number;
}

/** Returns the slack, from 0 for none to 1 where every requirement is met as well as it can be. */
export function slackOf({ success, strain }: Measured, { successRatio, keepRatio }: Room): number {
  const kept = successRatio + keepRatio;
  const ofSuccess = kept < 1 ? (success - kept) / (1 - kept) : Number(success >= 1);
  const ofOthers = (1 - strain) / (1 - STRAIN_EASY);
  // NaN before the first request.
  return Math.max(0, Math.min(1, ofSuccess, ofOthers)) || 0;
}

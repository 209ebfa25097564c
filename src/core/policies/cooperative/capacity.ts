// How many requests a minute a group of instances takes: as announced, or as its success shows. What others send there is not
// seen, and a capacity may be announced too high: the limit falls when success does, and is felt for again afterwards.

/** Each second that the group misses the goal, its limit becomes this share of what it was sent; and so it comes back. */
const CUT = 0.9;
const GROWTH = 1.03;
/** A group that has less than this share of its limit says nothing about it. */
const USED_RATIO_MIN = 0.8;
/** A limit of more than this many times what the group is sent is lifted. */
const LOOSE = 4;

/** The limit of one group. */
export class LearnedCapacity {
  /** Requests a minute; +Infinity: the group has always met the goal. */
  rpm = Number.POSITIVE_INFINITY;

  /** Once a second. `sentRpm`: to the group; `met`: enough of it succeeded. */
  step(sentRpm: number, met: boolean): void {
    if (!met) this.rpm = Math.max(1, CUT * Math.min(this.rpm, sentRpm));
    else if (sentRpm >= USED_RATIO_MIN * this.rpm) this.rpm *= GROWTH;
    else if (this.rpm > LOOSE * sentRpm && sentRpm > 0) this.rpm = Number.POSITIVE_INFINITY;
  }
}

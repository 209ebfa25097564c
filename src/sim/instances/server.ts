// One emulated service instance: `cores` CPUs under processor sharing or first come, first served.
//
// Both are one mechanism. Time inside the instance is virtual: it advances at the rate at which a job in service gets served
// (speed × min(1, cores / jobs) when shared, speed when first come), and a job is done when the virtual clock has advanced by its
// work. So a stall, a hang or a slowdown is a change of one rate and touches no job.

/** How a server shares its cores among the requests in it. */
export type Discipline = 'processor-sharing' | 'fifo';

export interface ServerOptions {
  readonly discipline: Discipline;
  readonly cores: number;
  /** Jobs inside at the most, in service or waiting; one more is turned away. */
  readonly jobsMax: number;
}

/** A job is known by an integer of the caller's. */
export type Job = number;

/** What takes jobs in and has them done some time later. */
export interface QueueingServer {
  /** Jobs inside, in service or waiting. */
  readonly jobs: number;
  /** False: full, the job was turned away. */
  enter(job: Job, workMs: number, nowMs: number): boolean;
  /** When to call `takeDone` next if nothing changes until then; +Infinity when nothing will be done. */
  nextDoneMs(): number;
  /** The job that is done by now, taken out; -1 when none is. Call until -1. */
  takeDone(nowMs: number): Job;
  /** 1 as specified, 0.5 half as fast, 0 frozen. */
  setSpeed(speed: number, nowMs: number): void;
  /** Throws everything out, in no particular order. */
  evict(nowMs: number): Job[];
}

export class Server implements QueueingServer {
  jobs = 0;
  readonly #shared: boolean;
  readonly #cores: number;
  readonly #jobsMax: number;
  /** CPU speed: 1 as specified, 0 frozen. */
  #speed = 1;
  #rate = 1;
  #virtualMs = 0;
  #syncedMs = 0;
  /** The requests in service: a heap by the virtual time at which each is done. */
  #doneAt: number[] = [];
  #inService: Job[] = [];
  /** Waiting, first come first: a list with a moving head. */
  #waiting: Job[] = [];
  #waitingWork: number[] = [];
  #head = 0;

  constructor({ discipline, cores, jobsMax }: ServerOptions) {
    this.#shared = discipline === 'processor-sharing';
    this.#cores = cores;
    this.#jobsMax = jobsMax;
  }

  enter(job: Job, workMs: number, nowMs: number): boolean {
    if (this.jobs >= this.#jobsMax) return false;
    this.#sync(nowMs);
    this.jobs++;
    if (this.#shared || this.#inService.length < this.#cores) this.#serve(job, workMs);
    else {
      this.#waiting.push(job);
      this.#waitingWork.push(workMs);
    }
    this.#setRate();
    return true;
  }

  nextDoneMs(): number {
    if (this.#inService.length === 0 || this.#rate === 0) return Number.POSITIVE_INFINITY;
    return this.#syncedMs + Math.max(0, (this.#doneAt[0] as number) - this.#virtualMs) / this.#rate;
  }

  takeDone(nowMs: number): Job {
    this.#sync(nowMs);
    // A nanosecond of slack: the time of completion was computed through a division and comes back rounded.
    if (this.#inService.length === 0 || (this.#doneAt[0] as number) > this.#virtualMs + 1e-6) return -1;
    const job = this.#removeFirst();
    this.jobs--;
    this.#admitWaiting();
    this.#setRate();
    return job;
  }

  setSpeed(speed: number, nowMs: number): void {
    this.#sync(nowMs);
    this.#speed = speed;
    this.#setRate();
  }

  evict(nowMs: number): Job[] {
    this.#sync(nowMs);
    const jobs = [...this.#inService, ...this.#waiting.slice(this.#head)];
    this.#doneAt = [];
    this.#inService = [];
    this.#waiting = [];
    this.#waitingWork = [];
    this.#head = 0;
    this.jobs = 0;
    this.#setRate();
    return jobs;
  }

  #sync(nowMs: number): void {
    this.#virtualMs += (nowMs - this.#syncedMs) * this.#rate;
    this.#syncedMs = nowMs;
  }

  #setRate(): void {
    const inService = this.#inService.length;
    this.#rate = this.#shared && inService > this.#cores ? (this.#speed * this.#cores) / inService : this.#speed;
  }

  #admitWaiting(): void {
    if (this.#head === this.#waiting.length) return;
    this.#serve(this.#waiting[this.#head] as Job, this.#waitingWork[this.#head] as number);
    this.#head++;
    if (this.#head === this.#waiting.length || this.#head >= 1024) {
      this.#waiting.splice(0, this.#head);
      this.#waitingWork.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #serve(job: Job, workMs: number): void {
    const doneAt = this.#virtualMs + workMs;
    let at = this.#doneAt.length;
    this.#doneAt.push(doneAt);
    this.#inService.push(job);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#doneAt[parent] as number) <= doneAt) break;
      this.#doneAt[at] = this.#doneAt[parent] as number;
      this.#inService[at] = this.#inService[parent] as Job;
      at = parent;
    }
    this.#doneAt[at] = doneAt;
    this.#inService[at] = job;
  }

  #removeFirst(): Job {
    const first = this.#inService[0] as Job;
    const doneAt = this.#doneAt.pop() as number;
    const job = this.#inService.pop() as Job;
    const size = this.#doneAt.length;
    if (size === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (this.#doneAt[child + 1] as number) < (this.#doneAt[child] as number)) child++;
      if ((this.#doneAt[child] as number) >= doneAt) break;
      this.#doneAt[at] = this.#doneAt[child] as number;
      this.#inService[at] = this.#inService[child] as Job;
      at = child;
    }
    this.#doneAt[at] = doneAt;
    this.#inService[at] = job;
    return first;
  }
}

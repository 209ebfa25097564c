// The time as the Date field of HTTP has it (RFC 9110 section 5.6.7), put together once a second.

let text = '';
let second = Number.NaN;

/** The time as a `Date` field has it. */
export function httpDate(nowMs = Date.now()): string {
  const nowSecond = Math.floor(nowMs / 1000);
  if (nowSecond !== second) {
    second = nowSecond;
    text = new Date(nowMs).toUTCString();
  }
  return text;
}

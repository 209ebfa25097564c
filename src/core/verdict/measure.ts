// When an answer is there: at its last byte, or, of a stream, at the first byte of its body. One moment for all books.

const STREAM_TYPE =
  /^(?:text\/event-stream|application\/(?:x-ndjson|ndjson|jsonl|stream\+json)|multipart\/x-mixed-replace)[\t ]*(?:;|$)/i;

/** Whether a body of this type is a stream: of events, of lines, of pictures. */
export function isStreamType(contentType: string): boolean {
  return STREAM_TYPE.test(contentType);
}

import { describe, expect, it } from 'vitest';
import { PictureStream } from '../../../../../src/proxy/exchange/attempt/body/picture-stream.ts';

const PICTURE = 'left\r\n--f\r\n';
const part = (announced: number | null, bytes = PICTURE): string =>
  `--f\r\nContent-Type: image/jpeg\r\n${announced === null ? '' : `content-length : ${announced}\r\n`}\r\n${bytes}`;
const WHOLE = part(PICTURE.length);

function streamOf(text: string, pieceBytes: number, boundary = 'f'): PictureStream {
  const stream = new PictureStream(boundary);
  const body = Buffer.from(text, 'latin1');
  for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
  return stream;
}

describe.each([1, 5, 4096])('a stream of pictures in pieces of %i bytes', (pieceBytes) => {
  it.each([
    [false, ''],
    [false, WHOLE],
    [false, `${WHOLE}\r\n${WHOLE}\r\n--f--\r\n`],
    [false, `\r\n${WHOLE}\r\n--f\r\n`],
    [false, `${WHOLE}\r\n--f--\r\n${WHOLE.slice(0, -1)}`],
    [true, WHOLE.slice(0, -1)],
    [true, WHOLE.slice(0, -PICTURE.length)],
    [true, `${WHOLE}\r\n${WHOLE.slice(0, -1)}`],
    [true, `${WHOLE}${WHOLE.slice(0, -1)}`],
    [true, WHOLE.slice(0, -1).replaceAll('\r\n', '\n')],
  ])('is unfinished: %s, with %j', (isUnfinished, text) => {
    expect(streamOf(text, pieceBytes).isUnfinished).toBe(isUnfinished);
  });

  it.each([
    ['a picture without a length', `${part(null)}${WHOLE.slice(0, -1)}`],
    ['a length that is wrong', `${part(2)}\r\n${WHOLE.slice(0, -1)}`],
    ['a delimiter without dashes', `f\r\n${WHOLE.slice(0, -1)}`],
    ['a head that does not end', `--f\r\n${'x: y\r\n'.repeat(2000)}\r\n${WHOLE.slice(0, -1)}`],
  ])('has begun, and nothing else is said of it, behind %s', (_, text) => {
    const { begun, isUnfinished } = streamOf(text, pieceBytes);
    expect([begun, isUnfinished]).toEqual([true, false]);
  });

  it.each(['--f\r\n', '--f\r\nContent-Length: 5\r\n\r\n', '--f\r\n\r\n', part(0, ''), '--f--\r\nleft', '\r\n'])(
    'is hollow, and has not begun, with %j',
    (text) => {
      const { begun, isHollow } = streamOf(text, pieceBytes);
      expect([begun, isHollow]).toEqual([false, true]);
    },
  );

  it('ends with its boundary where that is named with its dashes', () => {
    expect(streamOf(`${WHOLE}--f--\r\n${WHOLE.slice(0, -1)}`, pieceBytes, '--f').isUnfinished).toBe(false);
  });
});

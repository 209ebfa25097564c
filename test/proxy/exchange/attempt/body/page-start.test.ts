import { describe, expect, it } from 'vitest';
import { bodyEndOf } from '../../../../../src/proxy/exchange/attempt/body/body-end.ts';

function isForeign(contentType: string, text: string, pieceBytes: number): boolean | undefined {
  const end = bodyEndOf(contentType, '');
  const body = Buffer.from(text, 'latin1');
  for (let at = 0; at < body.length; at += pieceBytes) end?.take(body.subarray(at, at + pieceBytes));
  return end?.isForeign;
}

const PAGE = '<!DOCTYPE html>\n<html><title>Log in</title></html>';

describe.each([1, 5, 4096])('a body in pieces of %i bytes', (pieceBytes) => {
  it.each([
    ['', PAGE],
    ['', '\r\n\xef\xbb\xbf<HTML lang="en">'],
    ['text/plain', PAGE.toLowerCase()],
    ['text/csv; charset=utf-8', PAGE],
    ['application/octet-stream', '<html>'],
    ['image/gif', PAGE],
    ['image/bmp', '<?xml version="1.0"?>'],
    ['audio/mpeg', '{"error": "no voice"}'],
    ['video/webm', '{ "error": 1}'],
    ['image/gif', '{\n    "error": "no picture"\n}'],
    ['application/vnd.apple.mpegurl', '{"error": 1}'],
    ['application/x-mpegURL', PAGE],
  ])('of %j that begins with %j is of another type', (type, text) => {
    expect(isForeign(type, text, pieceBytes)).toBe(true);
  });

  it.each([
    ['', ''],
    ['', '{"a": 1}'],
    ['', `${' '.repeat(2000)}${PAGE}`],
    ['text/plain', 'car 0.9 <html>'],
    ['text/plain', '<htm'],
    ['text/markdown', '<!doctype'],
    ['application/octet-stream', '<\x00\x01'],
    ['application/octet-stream', '<html\x00\x01'],
    ['text/html', PAGE],
    ['application/xhtml+xml', PAGE],
    ['image/gif', 'GIF89a'],
    // Samples.
    ['audio/L16; rate=16000', '<\x00{\x01'],
    ['audio/pcm', '{\x00'],
    ['image/svg+xml', '<svg></svg>'],
    ['image/svg', '<svg></svg>'],
    ['audio/x-mpegurl', 'http://radio/stream'],
    ['application/x-mpegurl', 'http://radio/stream'],
    ['video/x-ms-asf', '<asx version="3.0"></asx>'],
    ['application/vnd.apple.mpegurl', '\xef\xbb\xbf#EXTM3U\n'],
    ['application/x-mpegurl', '#EXTM3U\r\n#EXT-X-VERSION:3\r\n'],
  ])('of %j that begins with %j is not', (type, text) => {
    expect(isForeign(type, text, pieceBytes) ?? false).toBe(false);
  });

  it.each([
    [true, '#EXTM3U'],
    [true, '#EXTM3U\r\n\r\n'],
    [true, '\xef\xbb\xbf#EXTM3U\n'],
    [false, '#EXTM3U\n#EXTINF:4,\nseg1.ts\n'],
    [false, `#EXTM3U\n${'\n'.repeat(12)}seg1.ts\n`],
    [false, 'http://radio/stream'],
    [false, ''],
  ])('of a playlist is hollow: %s, with %j', (isHollow, text) => {
    const start = bodyEndOf('application/vnd.apple.mpegurl', '');
    const body = Buffer.from(text, 'latin1');
    for (let at = 0; at < body.length; at += pieceBytes) start?.take(body.subarray(at, at + pieceBytes));
    expect(start?.isHollow).toBe(isHollow);
  });
});

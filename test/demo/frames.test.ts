import { describe, expect, it } from 'vitest';
import { renderDrive } from '../../src/demo/cameras/road-scene.ts';
import { detect, readFrame, steer } from '../../src/demo/scenes/inference.ts';

const frames = renderDrive(4);

describe('a drive', () => {
  it('is made of whole JPEG frames of a camera’s size, no two alike', () => {
    for (const frame of frames) expect(readFrame(frame)).toMatchObject({ width: 320, height: 160 });
    expect(new Set(frames.map((frame) => frame.toString('latin1'))).size).toBe(frames.length);
  });
});

describe('the emulated models', () => {
  it('answer the same frame alike and different frames differently', () => {
    const angles = frames.map((frame) => steer(frame).steering_angle);
    expect(frames.map((frame) => steer(frame).steering_angle)).toEqual(angles);
    expect(new Set(angles).size).toBe(frames.length);
    for (const angle of angles) expect(Math.abs(angle)).toBeLessThanOrEqual(25);
    for (const frame of frames) expect(detect(frame).objects).toBeLessThanOrEqual(4);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello, I am not a picture')],
    ['a cut-off frame', frames[0]?.subarray(0, 2_000) ?? Buffer.alloc(0)],
    ['markers without a picture', Buffer.from([0xff, 0xd8, 0xff, 0xd9, 0xff, 0xd9])],
  ])('refuse %s', (_, body) => {
    expect(() => steer(body)).toThrow(/expected a/);
  });
});

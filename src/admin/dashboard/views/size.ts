// The room that a picture has to fill, in CSS pixels.

import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SIZE_ASSUMED: Size = { width: 640, height: 360 };

export function useWidth<Element extends HTMLElement>(): [RefObject<Element | null>, number] {
  const [ref, { width }] = useSize<Element>();
  return [ref, width];
}

export function useSize<Element extends HTMLElement>(): [RefObject<Element | null>, Size] {
  const ref = useRef<Element>(null);
  const [size, setSize] = useState(SIZE_ASSUMED);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = (): void => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

// A time series drawn by uPlot: made once, given new data with every state, made again when the theme changes.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface PlotProps {
  readonly data: uPlot.AlignedData;
  /** Called again whenever `shape` or the theme changes; sizes are filled in here. */
  readonly options: () => Omit<uPlot.Options, 'width' | 'height'>;
  /** Changes when the series do. */
  readonly shape: string;
  readonly heightPx: number;
  /** What the picture shows, for screen readers. */
  readonly label: string;
  /** What the pointer stands on, by the index of the sample; null shows nothing. */
  readonly readout: (index: number) => ComponentChildren;
}

interface Pointer {
  readonly index: number;
  /** Share of the width at which it stands. */
  readonly share: number;
}

export function Plot({ data, options, shape, heightPx, label, readout }: PlotProps) {
  const ref = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointer, setPointer] = useState<Pointer | null>(null);
  const theme = useTheme();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const made = new uPlot(
      { ...options(), width: element.clientWidth, height: heightPx, hooks: { setCursor: [followPointer(setPointer)] } },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, theme, heightPx]);
  useEffect(() => plot.current?.setData(data), [data]);
  return (
    <div class="plot">
      <div ref={ref} role="img" aria-label={label} style={{ height: `${heightPx}px` }} />
      {pointer !== null && (
        <div class="plot-readout" style={pointer.share < 0.5 ? { right: '8px' } : { left: '52px' }}>
          {readout(pointer.index)}
        </div>
      )}
    </div>
  );
}

function followPointer(setPointer: (pointer: Pointer | null) => void): (plot: uPlot) => void {
  return (plot) => {
    const { idx: index, left = -1 } = plot.cursor;
    const over = left >= 0 && index !== null && index !== undefined;
    setPointer(over ? { index, share: left / Math.max(1, plot.over.clientWidth) } : null);
  };
}

/** Counts up with every change of the theme: a canvas does not follow style sheets. */
function useTheme(): number {
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const change = (): void => setTheme((before) => before + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', change);
    window.addEventListener('themechange', change);
    return () => {
      system.removeEventListener('change', change);
      window.removeEventListener('themechange', change);
    };
  }, []);
  return theme;
}

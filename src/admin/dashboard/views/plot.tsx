// A time series drawn by uPlot: made once, given new data with every state, made again when the theme changes.

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

export interface PlotProps {
  readonly data: uPlot.AlignedData;
  /** Called anew whenever `shape` or the theme changes; sizes are filled in here. */
  readonly options: () => Omit<uPlot.Options, 'width' | 'height'>;
  /** Changes when the series do. */
  readonly shape: string;
  readonly heightPx: number;
  /** What the picture shows, for those who cannot see it. */
  readonly label: string;
}

export function Plot({ data, options, shape, heightPx, label }: PlotProps) {
  const ref = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const made = new uPlot({ ...options(), width: element.clientWidth, height: heightPx }, data, element);
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
  return <div class="plot" ref={ref} role="img" aria-label={label} style={{ height: `${heightPx}px` }} />;
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

// The last minutes of success as a line, with the target as a rule. For the eye alone: the numbers stand beside it.

export interface SparklineProps {
  /** In [0, 1]; null is a gap. */
  readonly values: readonly (number | null)[];
  readonly target: number;
}

const WIDTH = 160;
const HEIGHT = 36;
const POINTS_MAX = 160;

export function Sparkline({ values, target }: SparklineProps) {
  const shown = values.slice(-POINTS_MAX);
  const floor = Math.min(target - 0.1, ...shown.filter((value) => value !== null));
  const y = (value: number): number => 2 + (HEIGHT - 4) * (1 - (value - floor) / (1 - floor));
  const step = WIDTH / (POINTS_MAX - 1);
  const startX = WIDTH - (shown.length - 1) * step;
  let pen = 'M';
  let path = '';
  shown.forEach((value, i) => {
    if (value === null) pen = 'M';
    else {
      path += `${pen}${(startX + i * step).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
    }
  });
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <line x1="0" x2={WIDTH} y1={y(target)} y2={y(target)} />
      <path d={path} />
    </svg>
  );
}

import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { areaPath, clock, linePath, type Scale, stacked, ticksTo, timeTicks, type Values } from '../lib/chart.ts';
import { utc } from '../lib/format.ts';

export interface ChartSeries {
  readonly name: string;
  readonly values: Values;
  /** Position in the colors of style/charts.css. */
  readonly color: number;
}

interface ChartProps {
  readonly title: string;
  /** What a value stands for, such as `requests per second`. */
  readonly unit: string;
  readonly format: (value: number) => string;
  /** Start of the first step, in seconds since the epoch. */
  readonly from: number;
  readonly stepSeconds: number;
  readonly series: readonly ChartSeries[];
  /** Values are parts of a sum. */
  readonly isStacked?: boolean;
}

const HEIGHT = 168;
const LEFT = 52;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 22;
const LABEL_WIDTH = 76;

/** A chart over time. The pointer and the arrow keys choose a step, whose values the legend shows. */
export function Chart({ title, unit, format, from, stepSeconds, series, isStacked = false }: ChartProps) {
  const name = useId();
  const [frame, width] = useWidth();
  const [chosen, setChosen] = useState<number>();
  const length = series[0]?.values.length ?? 0;
  const tops = isStacked ? stacked(series.map(({ values }) => values)) : series.map(({ values }) => values);
  const ticks = ticksTo(Math.max(0, ...tops.flat().map((value) => value ?? 0)));
  const scale: Scale = {
    x: (index) => LEFT + (index * (width - LEFT - RIGHT)) / Math.max(1, length - 1),
    y: (value) => TOP + (1 - value / ticks.at(-1)!) * (HEIGHT - TOP - BOTTOM),
  };
  const choose = (index: number) => setChosen(Math.max(0, Math.min(length - 1, index)));
  const at = Math.min(chosen ?? length - 1, length - 1);
  const time = utc((from + at * stepSeconds) * 1000);
  const valueText = `${time}: ${series.map((one) => `${one.name} ${textOf(one, at, format)}`).join(', ')}`;
  const onKeyDown = (event: KeyboardEvent) => {
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: length - 1 }[event.key];
    if (event.key === 'Escape') setChosen(undefined);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
  };
  const onPointer = ({ offsetX }: PointerEvent) =>
    choose(Math.round(((offsetX - LEFT) / (width - LEFT - RIGHT)) * (length - 1)));
  return (
    <figure class="chart">
      <figcaption>
        <h3 id={name}>{title}</h3> <span class="muted small">{unit}</span>
        <span class="chart-time small">{chosen === undefined ? 'last step, times in UTC' : time}</span>
      </figcaption>
      <div
        ref={frame}
        class="chart-frame"
        role="slider"
        tabIndex={0}
        aria-labelledby={name}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, length - 1)}
        aria-valuenow={Math.max(0, at)}
        aria-valuetext={valueText}
        onKeyDown={onKeyDown}
        onPointerMove={onPointer}
        onPointerLeave={() => setChosen(undefined)}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <Axes ticks={ticks} scale={scale} format={format} {...{ from, stepSeconds, length, width }} />
          {series.map(({ name, color }, index) =>
            isStacked ? (
              <path key={name} class={`chart-area color-${color}`} d={areaOf(tops as number[][], index, scale)} />
            ) : (
              <path key={name} class={`chart-line color-${color}`} d={linePath(tops[index]!, scale)} />
            ),
          )}
          {chosen === undefined ? null : (
            <line class="chart-cursor" x1={scale.x(at)} x2={scale.x(at)} y1={TOP} y2={HEIGHT - BOTTOM} />
          )}
        </svg>
      </div>
      <ul class="plain chart-legend">
        {series.map((one) => (
          <li key={one.name}>
            <svg class="chart-key" width="18" height="10" aria-hidden="true">
              {isStacked ? (
                <rect class={`chart-area color-${one.color}`} width="18" height="10" />
              ) : (
                <path class={`chart-line color-${one.color}`} d="M0 5H18" />
              )}
            </svg>
            {one.name} <strong>{textOf(one, at, format)}</strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function areaOf(tops: readonly (readonly number[])[], index: number, scale: Scale): string {
  const top = tops[index]!;
  return areaPath(top, tops[index - 1] ?? top.map(() => 0), scale);
}

function textOf({ values }: ChartSeries, at: number, format: ChartProps['format']): string {
  const value = values[at] ?? null;
  return value === null ? '–' : format(value);
}

interface AxesProps extends Pick<ChartProps, 'format' | 'from' | 'stepSeconds'> {
  readonly ticks: readonly number[];
  readonly scale: Scale;
  readonly length: number;
  readonly width: number;
}

function Axes({ ticks, scale, format, from, stepSeconds, length, width }: AxesProps) {
  const to = from + (length - 1) * stepSeconds;
  const marks = timeTicks(from, to, Math.max(2, (width - LEFT - RIGHT) / LABEL_WIDTH));
  return (
    <g class="chart-axes">
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={width - RIGHT} y1={scale.y(tick)} y2={scale.y(tick)} />
          <text x={LEFT - 6} y={scale.y(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
      {marks.map((mark) => (
        <text key={mark} x={scale.x((mark - from) / stepSeconds)} y={HEIGHT - 6} text-anchor="middle">
          {clock(mark)}
        </text>
      ))}
    </g>
  );
}

/** The width of an element in pixels. */
function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry!.contentRect.width)));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  return [frame, width] as const;
}

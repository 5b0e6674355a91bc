import type { TrafficView } from '../../../controller/admin/traffic.ts';
import { bytesPerSecond, milliseconds, perSecond, short } from '../../lib/chart.ts';
import { Chart } from '../../parts/chart.tsx';

/** Charts of the complete steps. */
export function Charts({ view: { steps, from, stepSeconds } }: { readonly view: TrafficView }) {
  const complete = <T,>(values: readonly T[]) => values.slice(0, -1);
  const rate = (values: readonly number[]) => complete(values).map((value) => value / stepSeconds);
  const time = { from: Date.parse(from) / 1000, stepSeconds };
  const other = steps.other.map((count, index) => count + steps['1xx'][index]! + steps['3xx'][index]!);
  return (
    <div class="charts">
      <Chart
        {...time}
        title="Requests"
        unit="per second, by status"
        format={perSecond}
        isStacked
        series={[
          { name: '2xx', values: rate(steps['2xx']), color: 1 },
          { name: '3xx, 1xx', values: rate(other), color: 2 },
          { name: '4xx', values: rate(steps['4xx']), color: 3 },
          { name: '5xx', values: rate(steps['5xx']), color: 4 },
        ]}
      />
      <Chart
        {...time}
        title="Response time"
        unit="until the response of a task starts"
        format={milliseconds}
        series={[
          { name: 'p50', values: complete(steps.p50), color: 5 },
          { name: 'p95', values: complete(steps.p95), color: 6 },
          { name: 'p99', values: complete(steps.p99), color: 7 },
        ]}
      />
      <Chart
        {...time}
        title="Bytes"
        unit="per second"
        format={bytesPerSecond}
        series={[
          { name: 'sent', values: rate(steps.sent), color: 5 },
          { name: 'received', values: rate(steps.received), color: 6 },
        ]}
      />
      {steps.connections === null ? null : (
        <Chart
          {...time}
          title="Connections"
          unit="open at the end of a step"
          format={short}
          series={[{ name: 'open', values: complete(steps.connections), color: 5 }]}
        />
      )}
    </div>
  );
}

/** Prometheus' text format, written without prom-client, which would take 5 MB of the agent's memory. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: Iterable<Sample>;
}

export interface Sample {
  /** Suffix of the metric's name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export function expose(metrics: readonly Metric[]): string {
  return metrics.map(exposeOne).join('');
}

function exposeOne({ name, help, type, samples }: Metric): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  for (const { suffix = '', labels = {}, value } of samples)
    lines.push(`${name}${suffix}${labelText(labels)} ${value}`);
  return `${lines.join('\n')}\n`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
}

/** `counts` by bucket; the last one counts values above all `bounds`. */
export function* histogramSamples(
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Generator<Sample> {
  let total = 0;
  for (const [position, count] of counts.entries()) {
    total += count;
    yield { suffix: '_bucket', labels: { le: String(bounds[position] ?? '+Inf') }, value: total };
  }
  yield { suffix: '_sum', value: sum };
  yield { suffix: '_count', value: total };
}

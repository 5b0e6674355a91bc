import { useNow } from '../hooks.ts';
import { ago, utc } from '../lib/format.ts';

/** Relative time, with the exact UTC time on hover. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={utc(at)}>
      {ago(Date.parse(at), now)}
    </time>
  );
}

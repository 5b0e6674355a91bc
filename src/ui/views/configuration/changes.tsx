import { type KeptVersion, readChanges } from '../../api.ts';
import { useLoaded } from '../../hooks.ts';
import { count } from '../../lib/format.ts';
import { Failure, Loading } from '../../parts/notes.tsx';

/** Changed routes of a version that are shown without a click. */
const SHOWN = 3;

/** What a version changed, and who caused it. */
export function Changes({ cause, changes }: Pick<KeptVersion, 'cause' | 'changes'>) {
  const lines = changes?.lines ?? [];
  const hidden = lines.slice(SHOWN);
  const more = (changes?.total.lines ?? 0) - SHOWN;
  return (
    <div class="version-changes small">
      {cause ? <p class="muted">{cause}</p> : null}
      <Lines lines={lines.slice(0, SHOWN)} />
      {more > 0 ? (
        <details>
          <summary>{more.toLocaleString('en')} more</summary>
          <Lines lines={hidden} />
        </details>
      ) : null}
    </div>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <ul class="plain">
      {lines.map((line) => (
        <li key={line} class={`change-${kinds[line[0] ?? ''] ?? 'changed'}`}>
          {line}
        </li>
      ))}
    </ul>
  );
}

const kinds: Readonly<Record<string, string>> = { '+': 'added', '−': 'removed' };

interface PreviewProps {
  readonly cluster: string;
  readonly version: string;
}

/** Hosts that appear and disappear if the cluster is rolled back. */
export function RollbackPreview({ cluster, version }: PreviewProps) {
  const changes = useLoaded(`${cluster} ${version}`, () => readChanges(cluster, version));
  if (changes.kind === 'loading') return <Loading what="what changes" rows={2} />;
  if (changes.kind === 'failed') return <Failure>{changes.reason}</Failure>;
  const { appear, disappear, lines, total } = changes.value;
  const others = lines.filter((line) => line.startsWith('~'));
  return (
    <>
      <Hosts title="disappear" hosts={disappear} total={total.disappear} />
      <Hosts title="appear" hosts={appear} total={total.appear} />
      {others.length === 0 ? null : <Lines lines={others} />}
      {total.lines === 0 ? <p>No route changes.</p> : null}
    </>
  );
}

function Hosts({
  title,
  hosts,
  total,
}: {
  readonly title: string;
  readonly hosts: readonly string[];
  readonly total: number;
}) {
  if (total === 0) return null;
  const more = total - hosts.length;
  return (
    <p class={`hosts-${title}`}>
      <strong>
        {count(total, 'host')} {total === 1 ? `${title}s` : title}:
      </strong>{' '}
      {hosts.join(', ')}
      {more > 0 ? ` and ${more} more` : ''}
    </p>
  );
}

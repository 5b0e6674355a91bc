import { useState } from 'preact/hooks';
import type { ClusterView } from '../../../controller/admin/state.ts';
import { hold, type KeptVersion } from '../../api.ts';
import { useAction, useCanChange, useNow } from '../../hooks.ts';
import { ago, utc } from '../../lib/format.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Ago } from '../../parts/time.tsx';
import { Version } from '../../parts/version.tsx';
import { Changes, RollbackPreview } from './changes.tsx';

interface VersionsProps {
  readonly cluster: ClusterView;
  readonly kept: readonly KeptVersion[];
  readonly shown: string;
  readonly compared: string | undefined;
  readonly onShow: (version: string) => void;
  readonly onCompare: (version: string | undefined) => void;
}

/** Kept versions, the newest first. One is shown, another can be compared with it, and each can be rolled back to. */
export function Versions({ cluster, kept, shown, compared, onShow, onCompare }: VersionsProps) {
  const canChange = useCanChange();
  const now = useNow();
  const action = useAction();
  const [back, setBack] = useState<string>();
  const rollBack = async (version: string) => {
    if (await action.run(() => hold(cluster.name, version))) setBack(undefined);
  };
  return (
    <section class="card versions" aria-labelledby="versions">
      <header class="card-head">
        <h2 id="versions">Versions</h2>
      </header>
      <ol class="timeline">
        {kept.map(({ version, createdAt, cause, changes }) => (
          <li key={version} class={version === shown ? 'is-shown' : ''}>
            <button type="button" class="version-pick" aria-pressed={version === shown} onClick={() => onShow(version)}>
              <span>
                <Version digest={version} /> <Marks cluster={cluster} version={version} />
              </span>
              <span class="muted small">
                <Ago at={createdAt} />
              </span>
            </button>
            {canChange && version !== cluster.version ? (
              <button
                type="button"
                class="button button-small"
                aria-label={`Roll back to ${version.slice(0, 8)}…`}
                onClick={() => setBack(version)}
              >
                Roll back…
              </button>
            ) : null}
            <Changes cause={cause} changes={changes} />
          </li>
        ))}
      </ol>
      <label>
        Compare with
        <select
          value={compared ?? ''}
          disabled={kept.length < 2}
          onChange={({ currentTarget }) => onCompare(currentTarget.value || undefined)}
        >
          <option value="">nothing</option>
          {kept
            .filter(({ version }) => version !== shown)
            .map(({ version, createdAt }) => (
              <option key={version} value={version} title={utc(createdAt)}>
                {version.slice(0, 8)}, {ago(Date.parse(createdAt), now)}
              </option>
            ))}
        </select>
      </label>
      {back === undefined ? null : (
        <Confirm
          title={`Roll back to ${back.slice(0, 8)}?`}
          verb="Roll back and hold"
          action={action}
          onConfirm={() => void rollBack(back)}
          onClose={() => setBack(undefined)}
        >
          <p>
            The proxies of <strong>{cluster.name}</strong> return to this version and stay there until you release it.
            New changes are queued until then.
          </p>
          <RollbackPreview cluster={cluster.name} version={back} />
        </Confirm>
      )}
    </section>
  );
}

function Marks({
  cluster: { served, held, version },
  version: own,
}: {
  readonly cluster: ClusterView;
  readonly version: string;
}) {
  return (
    <>
      {own === served ? <span class="tag tag-clear">served</span> : null}
      {own === version && own !== served ? <span class="tag tag-caution">rolling out</span> : null}
      {own === held ? <span class="tag tag-caution">held</span> : null}
    </>
  );
}

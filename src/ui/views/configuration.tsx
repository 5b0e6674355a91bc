import { useState } from 'preact/hooks';
import type { ClusterView, State } from '../../controller/admin/state.ts';
import { type KeptVersion, listVersions, readVersion } from '../api.ts';
import { useLoaded } from '../hooks.ts';
import { type Place, toHash } from '../lib/place.ts';
import { Empty, Failure, Loading } from '../parts/notes.tsx';
import { Version } from '../parts/version.tsx';
import { CodeView } from './configuration/code-view.tsx';
import { DiffView } from './configuration/diff-view.tsx';
import { Versions } from './configuration/versions.tsx';

export function Configuration({ state, place }: { readonly state: State; readonly place: Place }) {
  const { clusters } = state;
  const cluster = clusters.find(({ name }) => name === place.query.cluster) ?? clusters[0];
  if (cluster === undefined)
    return <Empty title="No service cluster">Routing is turned off, so no configuration is rendered.</Empty>;
  return (
    <div class="stack">
      {clusters.length > 1 ? (
        <nav class="tabs" aria-label="Service clusters">
          {clusters.map(({ name }) => (
            <a
              key={name}
              href={toHash({ view: 'configuration', query: { cluster: name } })}
              aria-current={name === cluster.name ? 'true' : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
      ) : null}
      <ClusterConfiguration key={cluster.name} cluster={cluster} observedAt={state.observedAt} />
    </div>
  );
}

interface ClusterConfigurationProps {
  readonly cluster: ClusterView;
  readonly observedAt: string | null;
}

function ClusterConfiguration({ cluster, observedAt }: ClusterConfigurationProps) {
  const { name } = cluster;
  // A new version is listed one check of the swarm later.
  const versions = useLoaded(`${name} ${observedAt}`, () => listVersions(name));
  const [last, setLast] = useState<readonly KeptVersion[]>();
  if (versions.kind === 'loaded' && versions.value !== last) setLast(versions.value);
  const kept = versions.kind === 'loaded' ? versions.value : last;
  if (versions.kind === 'failed' && kept === undefined) return <Failure>{versions.reason}</Failure>;
  if (kept === undefined) return <Loading what="the versions" rows={6} />;
  if (kept.length === 0) return <Empty title="No version yet">Versions appear once the cluster has proxies.</Empty>;
  return <Viewer cluster={cluster} kept={kept} />;
}

/** One version, or its difference from another. */
function Viewer({ cluster, kept }: { readonly cluster: ClusterView; readonly kept: readonly KeptVersion[] }) {
  const [chosen, setChosen] = useState<string>();
  const [base, setBase] = useState<string>();
  const has = (version: string | null | undefined) => kept.some((one) => one.version === version);
  const shown = has(chosen) ? chosen! : has(cluster.served) ? cluster.served! : kept[0]!.version;
  const compared = has(base) && base !== shown ? base : undefined;
  return (
    <div class="configuration">
      <Versions
        cluster={cluster}
        kept={kept}
        shown={shown}
        compared={compared}
        onShow={setChosen}
        onCompare={setBase}
      />
      <section class="card card-code" aria-labelledby="shown">
        <header class="card-head">
          <h2 id="shown">
            {compared === undefined ? (
              <>
                Version <Version digest={shown} />
              </>
            ) : (
              <>
                <Version digest={compared} /> → <Version digest={shown} />
              </>
            )}
          </h2>
        </header>
        <Text cluster={cluster.name} shown={shown} compared={compared} />
      </section>
    </div>
  );
}

interface TextProps {
  readonly cluster: string;
  readonly shown: string;
  readonly compared: string | undefined;
}

function Text({ cluster, shown, compared }: TextProps) {
  const after = useLoaded(`${cluster} ${shown}`, () => readVersion(cluster, shown));
  const before = useLoaded(compared && `${cluster} ${compared}`, () => readVersion(cluster, compared!));
  if (after.kind === 'failed') return <Failure>{after.reason}</Failure>;
  if (before.kind === 'failed') return <Failure>{before.reason}</Failure>;
  if (after.kind === 'loading') return <Loading what="the configuration" rows={12} />;
  if (compared === undefined) return <CodeView text={after.value} />;
  return before.kind === 'loading' ? (
    <Loading what="the comparison" rows={12} />
  ) : (
    <DiffView before={before.value} after={after.value} />
  );
}

import { type Context, Hono } from 'hono';
import type { Actor } from '../../model/access/administration.ts';
import type { AdminOptions, Env } from './app.ts';
import { Refusal } from './problem-details.ts';

interface VersionRoutesOptions extends Pick<AdminOptions, 'administrator' | 'versions' | 'readVersion' | 'state'> {
  readonly actor: (context: Context) => Actor;
}

/** The routes below `/api/clusters`. */
export function versionRoutes({ administrator, versions, readVersion, state, actor }: VersionRoutesOptions): Hono<Env> {
  const app = new Hono<Env>();
  app.get('/:cluster/versions', async ({ req, json, get }) => {
    administrator.requireCluster(req.param('cluster'));
    const kept = await versions.list(req.param('cluster'));
    // As in the state, an API token of one cluster does not see what administrators did.
    const isLimited = get('user').cluster !== undefined;
    return json(isLimited ? kept.map((version) => ({ ...version, cause: null })) : kept);
  });
  app.get('/:cluster/versions/:version', async ({ req, text }) => {
    const { cluster, version } = req.param();
    administrator.requireCluster(cluster);
    const configuration = await readVersion(cluster, version);
    if (configuration === undefined) throw notKept(cluster, version);
    return text(configuration);
  });
  app.get('/:cluster/versions/:version/changes', async ({ req, json }) => {
    const { cluster, version } = req.param();
    administrator.requireCluster(cluster);
    const from = req.query('from') ?? state().clusters.find(({ name }) => name === cluster)?.served ?? version;
    const changes = await versions.compare(cluster, from, version);
    if (changes === undefined) throw notKept(cluster, `${from} or ${version}`);
    return json(changes);
  });
  app.put('/:cluster/versions/:version/hold', async (context) => {
    const { cluster, version } = context.req.param();
    await administrator.hold(actor(context), cluster, version);
    return context.body(null, 204);
  });
  app.delete('/:cluster/hold', async (context) => {
    await administrator.release(actor(context), context.req.param('cluster'));
    return context.body(null, 204);
  });
  return app;
}

function notKept(cluster: string, version: string): Refusal {
  return new Refusal(404, 'No such version', `Cluster ${cluster} has no kept version ${version}.`);
}
